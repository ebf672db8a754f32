import Stripe from 'stripe'
import type { RaiseAlarm } from '#src/lib/alarm.ts'
import { Problem } from '#src/lib/problem.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { type SetupFault, setupFaultOf } from './setup-faults.ts'

/**
 * What a fault of Stripe means for us. `unavailable` and `limited` pass by themselves; `setup` needs the operator;
 * `missing` names something that Stripe does not know; `invalid` is any other refusal.
 */
export type StripeFault = 'unavailable' | 'limited' | 'setup' | 'missing' | 'invalid'

/** The longest wait that is respected: an outage must not outlast its cause by hours. */
const LONGEST_WAIT_MS = 5 * MINUTE
/** How long a client waits before it looks whether the operator has fixed it. */
const SETUP_WAIT_MS = 5 * MINUTE

const ANOTHER_ACCOUNT: SetupFault = {
  alarm: 'stripe-account',
  remedy:
    'Stripe does not know this customer. Is STRIPE_SECRET_KEY that of another account, or was test data deleted?',
}

const UNKNOWN: SetupFault = {
  alarm: 'stripe-request',
  remedy:
    'Stripe refuses a request of ours. Read its message; if that names no setting of Stripe or of this server, report it.',
}

/** Undefined for what is no fault of Stripe. */
export function faultOf(error: unknown): StripeFault | undefined {
  if (!(error instanceof Stripe.errors.StripeError)) return undefined
  const { statusCode, code, rawType } = error
  if (statusCode === 429) return 'limited'
  if (setupFaultOf(error)) return 'setup'
  if (code === 'resource_missing') return 'missing'
  // Without a status there was no answer; 409 is a call of ours with the same key that still runs. A key that came with
  // other parameters before, as before a change of the settings, is dropped, and the next try takes another.
  if (statusCode === undefined || statusCode >= 500 || statusCode === 409) return 'unavailable'
  return rawType === 'idempotency_error' ? 'unavailable' : 'invalid'
}

/**
 * Whether Stripe gave an answer that it repeats for the same idempotency key, so that the next try needs another key.
 * After a 429 the key is unused; after a lost answer the same key gives the result.
 */
export function spendsKey(error: unknown): boolean {
  if (!(error instanceof Stripe.errors.StripeError)) return false
  const { statusCode } = error
  return statusCode !== undefined && ![401, 403, 409, 429].includes(statusCode)
}

/** How long Stripe asks us to wait, at most five minutes; undefined where it does not say. */
export function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof Stripe.errors.StripeError)) return undefined
  const seconds = Number(error.headers?.['retry-after'] ?? 'NaN')
  return seconds >= 0 ? Math.min(seconds * SECOND, LONGEST_WAIT_MS) : undefined
}

export function billingUnavailable(detail: string, retryAfterSeconds = 5): Problem {
  return new Problem(503, 'billing-unavailable', detail, {
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}

/** Tells the operator what a lasting refusal of Stripe means and what to do about it. Never shows a key. */
export function raiseSetupAlarm(raise: RaiseAlarm, error: unknown): void {
  if (!(error instanceof Stripe.errors.StripeError)) return
  const { code, param, statusCode, requestId, message } = error
  const isMissing = faultOf(error) === 'missing'
  const { alarm, remedy } = setupFaultOf(error) ?? (isMissing ? ANOTHER_ACCOUNT : UNKNOWN)
  const said = message.replaceAll(/\b(sk|rk|pk|whsec)_[\w*]+/g, '$1_…')
  raise(alarm, 'Stripe refuses what this server asks for', {
    remedy,
    stripe: { statusCode, code, param, message: said, requestId },
  })
}

/** Runs the calls of Stripe that a request needs. @throws Problem 503 `billing-unavailable` */
export type Guard = <T>(call: () => Promise<T>) => Promise<T>

/** Makes an outage a 503 that says so, and a lasting refusal a 503 and an alarm. Neither changes a tier. */
export function createGuard(raise: RaiseAlarm): Guard {
  return async (call) => {
    try {
      return await call()
    } catch (error) {
      const fault = faultOf(error)
      if (fault === undefined) throw error
      if (fault === 'unavailable' || fault === 'limited') {
        const wait = Math.ceil((retryAfterMs(error) ?? 5 * SECOND) / SECOND)
        throw billingUnavailable(
          'The payment service does not answer now. Try again shortly.',
          wait,
        )
      }
      raiseSetupAlarm(raise, error)
      throw billingUnavailable(
        'Payments are not available on this server now. Its operator has been notified.',
        SETUP_WAIT_MS / SECOND,
      )
    }
  }
}
