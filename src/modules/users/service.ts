import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { createInFlight } from '#src/lib/in-flight.ts'
import type { Maintenance } from '#src/lib/maintenance.ts'
import { DAY, toInstant } from '#src/lib/time.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import { type Principal, unauthenticated } from '#src/plugins/auth.ts'
import type { Origin } from '#src/plugins/origin.ts'
import type { User } from '#src/plugins/schemas.ts'
import type { Queue } from '#src/queue/queue.ts'
import type { Quotas } from '../quota/service.ts'
import {
  createRemove,
  getUser,
  type OnRemoved,
  pruneUnverified,
  type RemovalOfUser,
  rename,
  startExport,
} from './commands.ts'
import { resumeErasures } from './erasure.ts'
import { everything } from './export.ts'
import type { Removal, UserChange } from './model.ts'
import { toNdjson } from './ndjson.ts'

/** A sign-up whose number is not proven within a day is deleted. */
const UNVERIFIED_KEPT_MS = DAY

export interface UserDeps {
  database: Database
  queue: Queue
  onRemoved: readonly OnRemoved[]
  clock: Clock
  quotas: Pick<Quotas, 'readAllowance'>
  /** Verifies the code or the password that the user gave. @throws Problem */
  prove(principal: Principal, given: Removal, origin: Origin): Promise<void>
  exportLimit(userId: string): Limit
}

export type Users = ReturnType<typeof createUsers>

export function createUsers(deps: UserDeps) {
  const { database, clock, quotas, prove, exportLimit } = deps
  const removeSome = createRemove(deps.queue, deps.onRemoved)
  const exports = createInFlight({ name: 'exports', most: 1 })

  async function read(userId: string): Promise<User> {
    const user = await database.read(getUser, { userId })
    // The account was deleted while this request was on its way.
    if (!user) throw unauthenticated()
    const { numberDigest, ...shown } = user
    const allowance = await quotas.readAllowance({ userId, numberDigest })
    return { ...shown, createdAt: toInstant(user.createdAt), ...allowance }
  }

  async function remove(input: RemovalOfUser): Promise<boolean> {
    for (;;) {
      const isRemoved = await database.run(removeSome, input)
      if (isRemoved !== undefined) return isRemoved
    }
  }

  return {
    read,
    async change(userId: string, { name }: UserChange): Promise<User> {
      await database.run(rename, { userId, name, now: clock.now() })
      return read(userId)
    },
    /** @throws Problem 403, 422 */
    async remove(
      principal: Principal,
      given: Removal,
      origin: Origin,
    ): Promise<{ message: string }> {
      await prove(principal, given, origin)
      const { userId } = principal
      if (!(await remove({ userId, origin, now: clock.now() }))) throw unauthenticated()
      return { message: 'Your account and everything in it is erased.' }
    },
    /** For an operator, who proves nothing. False where there is no such user. */
    erase: (userId: string): Promise<boolean> =>
      remove({ userId, origin: undefined, now: clock.now() }),
    /** NDJSON of everything held on the user, one at a time. @throws Problem 429 */
    async export({ userId }: Principal, origin: Origin): Promise<ReadableStream<Uint8Array>> {
      const place = exports.enter(userId)
      try {
        const limit = exportLimit(userId)
        await database.run(startExport, { userId, limit, origin, now: clock.now() })
      } catch (error) {
        place.leave()
        throw error
      }
      return toNdjson(everything(database, userId), place.leave)
    },
    maintenance: [
      {
        name: 'forget sign-ups that nobody proved',
        pattern: '25 * * * *',
        run: () =>
          database.run(pruneUnverified, { createdBefore: clock.now() - UNVERIFIED_KEPT_MS }),
      },
      {
        name: 'go on with erasures',
        pattern: '45 * * * *',
        run: () => database.run(resumeErasures, { now: clock.now() }),
      },
    ] satisfies Maintenance[],
  }
}
