import type { Database } from '#src/database/sqlite/open.ts'
import { command } from '#src/database/steps.ts'
import type { Clock } from '#src/lib/clock.ts'
import { MINUTE } from '#src/lib/time.ts'
import { spend } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import { findKept, keep, type Lookup } from './commands.ts'
import type { Answer, IdempotencyKey } from './key.ts'
import { removeReserved } from './statements.ts'

/** A call that has not answered by then belongs to a process that died; the key may try again. */
const LOCK_MS = MINUTE

/**
 * What was kept, or undefined when the key is reserved for us now. What is over a limit keeps nothing, and a replay counts
 * against none.
 * @throws Problem 409, 422, 429
 */
const reserve = command(
  'idempotency.reserve',
  function* (tx, { limits, ...lookup }: Lookup & { limits: readonly Limit[] }) {
    const first = yield* findKept.steps(tx, lookup)
    if (first) return first
    yield* spend.steps(tx, { limits, now: lookup.now })
    yield* keep.steps(tx, { ...lookup, lockedUntil: lookup.now + LOCK_MS })
    return undefined
  },
)

const release = command('idempotency.release', function* (tx, { userId, claim }: Lookup) {
  yield* tx.run(removeReserved, { userId, key: claim.key })
})

/**
 * `once` for what cannot be one transaction, as it asks another service: the key is reserved first, the
 * answer kept afterwards. Meanwhile the same key is 409; when `create` throws, the reservation is dropped. Each call of
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
      if (limits.length > 0) await database.run(spend, { limits, now })
      return { ...(await create()), replayed: false }
    }
    const first = await database.run(reserve, { userId, claim, now, limits })
    // Kept by the same route for the same request, so it has this route's shape.
    if (first) return { ...(first.value as Awaited<ReturnType<typeof create>>), replayed: true }
    try {
      const answer = await create()
      await database.run(keep, { userId, claim, now, value: answer })
      return { ...answer, replayed: false }
    } catch (error) {
      await database.run(release, { userId, claim, now })
      throw error
    }
  }
}
