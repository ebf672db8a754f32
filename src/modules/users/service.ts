import type { Clock } from '#src/lib/clock.ts'
import { toInstant } from '#src/lib/time.ts'
import { unauthenticated } from '#src/plugins/auth.ts'
import type { Quota, User } from '#src/plugins/schemas.ts'
import type { UserChange } from './model.ts'
import type { UserStore } from './store.ts'

export interface UserDeps {
  store: UserStore
  clock: Clock
  quotas: { read(userId: string): Quota; tierOf(userId: string): User['tier'] }
}

export interface Users {
  read(userId: string): Promise<User>
  change(userId: string, change: UserChange): Promise<User>
}

export function createUsers({ store, clock, quotas }: UserDeps): Users {
  async function read(userId: string): Promise<User> {
    const user = await store.find(userId)
    // The account went while this request was on its way.
    if (!user) throw unauthenticated()
    return {
      ...user,
      createdAt: toInstant(user.createdAt),
      tier: quotas.tierOf(userId),
      quota: quotas.read(userId),
    }
  }
  return {
    read,
    async change(userId, { name }) {
      await store.rename({ userId, name, now: clock.now() })
      return read(userId)
    },
  }
}
