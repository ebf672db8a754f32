import { and, eq, isNull, sql } from 'drizzle-orm'
import { idempotencyKeys } from '#drizzle/schema.ts'
import { syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { MINUTE } from '#src/lib/time.ts'
import { findKept, keep } from '#src/modules/idempotency/commands.ts'
import type { Answer, IdempotencyKey } from '#src/modules/idempotency/key.ts'
import { spend } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'

/** A call that has not answered by then belongs to a process that died; the key may try again. */
const LOCK_MS = MINUTE

interface Claimed {
  userId: string
  claim: IdempotencyKey
  now: number
}

/**
 * What was kept, or undefined when the claim is ours now. What is over a limit keeps nothing, and a replay counts
 * against none.
 * @throws Problem 409, 422, 429
 */
const hold = syncCommand(
  'idempotency.hold',
  () =>
    (tx, { limits, ...claimed }: Claimed & { limits: readonly Limit[] }) => {
      const first = tx.run(findKept, claimed)
      if (first) return first
      tx.run(spend, { limits, now: claimed.now })
      tx.run(keep, { ...claimed, lockedUntil: claimed.now + LOCK_MS })
      return undefined
    },
)

const release = syncCommand('idempotency.release', ({ orm }) => {
  const drop = orm
    .delete(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.userId, sql.placeholder('userId')),
        eq(idempotencyKeys.key, sql.placeholder('key')),
        isNull(idempotencyKeys.kept),
      ),
    )
    .prepare()
  return (_tx, { userId, claim }: Claimed): void => {
    drop.run({ userId, key: claim.key })
  }
})

/**
 * `once` for what cannot be one transaction, as it asks another service: the key is claimed first, the
 * answer kept afterwards. Meanwhile the same key is 409; when `create` throws, the claim is dropped. Each call of
 * `create` counts one against each of `limits`.
 */
export type IdempotentCall = <B>(
  input: { userId: string; claim: IdempotencyKey | undefined; limits?: readonly Limit[] },
  create: () => Promise<{ status: number; body: B; location: string | null }>,
) => Promise<Answer<B>>

export function createIdempotentCall({
  database,
  clock,
}: {
  database: Database
  clock: Clock
}): IdempotentCall {
  return async ({ userId, claim, limits = [] }, create) => {
    const now = clock.now()
    if (!claim) {
      if (limits.length > 0) await database.execute(spend, { limits, now })
      return { ...(await create()), replayed: false }
    }
    const first = await database.execute(hold, { userId, claim, now, limits })
    // Kept by the same route for the same request, so it has this route's shape.
    if (first) return { ...(first.value as Awaited<ReturnType<typeof create>>), replayed: true }
    try {
      const answer = await create()
      await database.execute(keep, { userId, claim, now, value: answer })
      return { ...answer, replayed: false }
    } catch (error) {
      await database.execute(release, { userId, claim, now })
      throw error
    }
  }
}
