import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { Problem } from '#src/lib/problem.ts'
import type { Random } from '#src/lib/random.ts'
import { endFlight, startFlight } from './attempts.ts'

/** Makes `work` run for one user at a time; `joins` says whether a caller may share a run that has begun. */
export type SingleFlight = <T>(
  work: (userId: string) => Promise<T>,
  options?: { joins?: boolean },
) => (userId: string) => Promise<T>

/**
 * The requests of one user call Stripe one after the other. Equal requests share one run while it waits, and also while
 * it runs where `joins`; so at most one run of each action waits for a user. A row of stripe_attempts keeps other
 * processes from running anything for the user meanwhile.
 * @throws Problem 409 `billing-busy` where another process runs something for the user
 */
export function createSingleFlight({
  database,
  clock,
  random,
}: {
  database: Database
  clock: Clock
  random: Random
}): SingleFlight {
  /** Resolves when the last run of a user is over. */
  const tails = new Map<string, Promise<void>>()

  async function alone<T>(userId: string, run: () => Promise<T>): Promise<T> {
    const now = clock.now()
    const flight = await database.run(startFlight, { userId, key: random.id(now), now })
    if (!flight) throw busy()
    try {
      return await run()
    } finally {
      // A row that cannot be removed expires, and must not hide the result of the run.
      await database.run(endFlight, flight).catch(() => {})
    }
  }

  function afterOthers<T>(userId: string, run: () => Promise<T>): Promise<T> {
    const result = (tails.get(userId) ?? Promise.resolve()).then(run)
    const over = result.then(
      () => {},
      () => {},
    )
    const tail = over.then(() => {
      if (tails.get(userId) === tail) tails.delete(userId)
    })
    tails.set(userId, tail)
    return result
  }

  return <T>(work: (userId: string) => Promise<T>, { joins = true } = {}) => {
    const flights = new Map<string, { hasBegun: boolean; result: Promise<T> }>()
    return (userId) => {
      const present = flights.get(userId)
      if (present && (joins || !present.hasBegun)) return present.result
      const { promise, resolve } = Promise.withResolvers<T>()
      const flight = { hasBegun: false, result: promise }
      flights.set(userId, flight)
      const run = afterOthers(userId, () => {
        flight.hasBegun = true
        return alone(userId, () => work(userId))
      })
      resolve(
        run.finally(() => {
          if (flights.get(userId) === flight) flights.delete(userId)
        }),
      )
      return promise
    }
  }
}

function busy(): Problem {
  return new Problem(
    409,
    'billing-busy',
    'Another request about this account’s subscription is still running.',
    { headers: { 'retry-after': '1' } },
  )
}
