import type { Clock } from '#src/lib/clock.ts'
import { Problem } from '#src/lib/problem.ts'
import type { BillingStore } from './store.ts'

/** Makes `work` run for one user at a time; `joins` says whether a caller may share a run that has begun. */
export type SingleFlight = <T>(
  work: (userId: string) => Promise<T>,
  options?: { joins?: boolean },
) => (userId: string) => Promise<T>

/**
 * Everything that a user's requests ask of Stripe runs one after the other for each user. Equal requests share one run
 * while it waits, and while it runs where `joins`; so a user never has more waiting than there are actions. Another
 * process that runs something for the user is found by a row of stripe_attempts.
 * @throws Problem 409 `billing-busy` where another process runs something for the user
 */
export function createSingleFlight({
  store,
  clock,
}: {
  store: Pick<BillingStore, 'claimFlight' | 'endFlight'>
  clock: Clock
}): SingleFlight {
  /** Resolves when the last run of a user is over. */
  const tails = new Map<string, Promise<void>>()

  async function alone<T>(userId: string, run: () => Promise<T>): Promise<T> {
    const flight = await store.claimFlight({ userId, now: clock.now() })
    if (!flight) throw busy()
    try {
      return await run()
    } finally {
      // A claim that cannot be removed ends by itself, and must not hide what the run gave.
      await store.endFlight(flight).catch(() => {})
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
