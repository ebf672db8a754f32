import { command } from '#src/database/steps.ts'
import { HOUR, MINUTE } from '#src/lib/time.ts'
import {
  findAttempt,
  removeAttempt,
  removeFlight,
  storeAttempt,
  storeFlight,
} from './stripe-statements.ts'

/** Stripe forgets an idempotency key after 24 hours; ours must not outlive it. */
export const ATTEMPT_KEPT_MS = 23 * HOUR
/** A flight that has not ended by then belongs to a process that died. */
const FLIGHT_MS = MINUTE

interface NewAttempt {
  scope: string
  /** The key of a new attempt. */
  key: string
  now: number
}

/** Gives the idempotency key of the attempt under way, or starts an attempt under `key`. */
export const startAttempt = command('billing.start-attempt', function* (tx, input: NewAttempt) {
  yield* tx.run(storeAttempt, { ...input, expiredBefore: input.now - ATTEMPT_KEPT_MS })
  const found = yield* tx.first(findAttempt, { scope: input.scope })
  return found?.key ?? input.key
})

/** Stripe's answer is known: the next call is another attempt. */
export const endAttempt = command(
  'billing.end-attempt',
  function* (tx, attempt: { scope: string }) {
    yield* tx.run(removeAttempt, attempt)
  },
)

/** Says that calls of Stripe run for a user. `key` is the fencing token: only the run that made it ends it. */
export interface Flight {
  scope: string
  key: string
}

/** Starts a run of calls for the user; undefined while another process has one. */
export const startFlight = command(
  'billing.start-flight',
  function* (tx, { userId, key, now }: { userId: string; key: string; now: number }) {
    const flight = { scope: `flight:${userId}`, key, now, expiredAt: now - FLIGHT_MS }
    return yield* tx.first(storeFlight, flight)
  },
)

export const endFlight = command('billing.end-flight', function* (tx, flight: Flight) {
  yield* tx.run(removeFlight, flight)
})
