import { command } from '#src/database/steps.ts'
import { type Limit, tooMany } from './limit.ts'
import {
  countOne,
  findCount,
  markOne,
  removeCount,
  removeOver,
  storeCount,
  takeOneBack,
} from './statements.ts'

interface Limits {
  limits: readonly Limit[]
  now: number
}

/**
 * Counts one against each limit, in the caller's transaction: the counters outlive a restart, and what is
 * refused counts nowhere.
 * @throws Problem 429 `too-many-requests` naming the first limit that is used up
 */
export const spend = command('limits.spend', function* (tx, { limits, now }: Limits) {
  for (const limit of limits) {
    const { key, windowMs } = limit
    const counted = yield* tx.first(countOne, { key, now, endsAt: now + windowMs })
    if (counted && counted.count > limit.most) throw tooMany(limit, counted.resetsAt, now)
  }
})

/** Counts one whatever the limit, and gives how many there are now: for faults, which must not be undone. */
export const tally = command(
  'limits.tally',
  function* (tx, { limit: { key, windowMs }, now }: { limit: Limit; now: number }) {
    const counted = yield* tx.first(countOne, { key, now, endsAt: now + windowMs })
    return counted?.count ?? 0
  },
)

/** Marks a key for a window that starts now, however often it was marked before. */
export const remember = command(
  'limits.remember',
  function* (tx, { limit: { key, windowMs }, now }: { limit: Limit; now: number }) {
    yield* tx.run(markOne, { key, endsAt: now + windowMs })
  },
)

/** Counts nothing. @throws Problem 429 `too-many-requests` where a limit is used up already */
export const refuseSpent = command('limits.refuse', function* (tx, { limits, now }: Limits) {
  for (const limit of limits) {
    const counted = yield* tx.first(findCount, { key: limit.key, now })
    if (counted && counted.count >= limit.most) throw tooMany(limit, counted.resetsAt, now)
  }
})

/** Sets a count and when it is forgotten, for a window that each one extends. */
export const setCount = command(
  'limits.set-count',
  function* (tx, counted: { key: string; count: number; resetsAt: number }) {
    yield* tx.run(storeCount, counted)
  },
)

/** Takes one back that was counted before it was known whether it counts. */
export const takeBack = command('limits.take-back', function* (tx, { key }: Pick<Limit, 'key'>) {
  yield* tx.run(takeOneBack, { key })
})

/** Forgets what a limit has counted. */
export const forgive = command('limits.forgive', function* (tx, { key }: Pick<Limit, 'key'>) {
  yield* tx.run(removeCount, { key })
})

/** Forgets the windows that are over; gives how many. */
export const pruneLimits = command('limits.prune', function* (tx, { now }: { now: number }) {
  return yield* tx.run(removeOver, { now })
})
