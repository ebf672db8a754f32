import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { problem } from '#src/lib/problem.ts'
import { DAY } from '#src/lib/time.ts'
import type { IdempotencyKey } from './key.ts'
import { findKey, findPlace, removeBetween, storeKey } from './statements.ts'

/** A key of a user, and the time. */
export interface Lookup {
  userId: string
  claim: IdempotencyKey
  now: number
}

/** What was kept for a key: enough to tell the first answer again. */
export interface Kept<T> {
  value: T
  /** False where it was made just now. */
  replayed: boolean
}

/** What was kept for this key; undefined where it is free. @throws Problem 409, 422 */
export const findKept = command('idempotency.find', function* (tx, { userId, claim, now }: Lookup) {
  const row = yield* tx.first(findKey, { userId, key: claim.key })
  if (!row || row.expiresAt <= now) return undefined
  if (row.fingerprint !== claim.fingerprint) {
    throw problem('idempotency-key-reused')
  }
  if (row.kept !== null) return { value: JSON.parse(row.kept) as unknown }
  if (row.lockedUntil === null || row.lockedUntil <= now) return undefined
  throw problem('idempotency-key-in-use', { headers: { 'retry-after': '1' } })
})

/** Keeps a value for a day, or until `lockedUntil` the reservation to make one, where it is undefined. */
export const keep = command(
  'idempotency.keep',
  function* (
    tx,
    { userId, claim, now, value, lockedUntil }: Lookup & { value?: unknown; lockedUntil?: number },
  ) {
    yield* tx.run(storeKey, {
      userId,
      ...claim,
      kept: value === undefined ? null : JSON.stringify(value),
      lockedUntil: lockedUntil ?? null,
      expiresAt: now + DAY,
    })
  },
)

interface Once {
  userId: string
  claim: IdempotencyKey | undefined
  now: number
}

/**
 * Runs `create` at most once per key, in the caller's transaction: the reservation, the effect and what is kept of
 * it commit together. When `create` throws, nothing is kept and the same key may try again.
 */
export function* once<T>(
  tx: Tx,
  { userId, claim, now }: Once,
  create: () => Steps<T>,
): Steps<Kept<T>> {
  if (!claim) return { value: yield* create(), replayed: false }
  const first = yield* findKept.steps(tx, { userId, claim, now })
  // Kept by the same route for the same request, so it has this route's shape.
  if (first) return { value: first.value as T, replayed: true }
  const value = yield* create()
  yield* keep.steps(tx, { userId, claim, now, value })
  return { value, replayed: false }
}

/** Where a walk through all keys has come to. */
export interface KeyPlace {
  key: string
  userId: string
}

/**
 * Looks at the next `limit` keys behind a place and forgets those whose 24 hours are over and those of users who are
 * erased; gives the place to go on from, undefined at the end. An index by time, or by user, would cost each prompt more.
 */
export const pruneIdempotencyKeys = command(
  'idempotency.prune',
  function* (
    tx,
    { now, after, limit }: { now: number; after: KeyPlace | undefined; limit: number },
  ) {
    const from = after ?? { key: '', userId: '' }
    const last = yield* tx.first(findPlace, { ...from, skip: limit - 1 })
    // DEL is behind every printable character.
    const to = last ?? { key: '\x7f', userId: '' }
    const pruned = yield* tx.run(removeBetween, {
      ...from,
      toKey: to.key,
      toUserId: to.userId,
      now,
    })
    return { pruned, last }
  },
)
