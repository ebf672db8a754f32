import Stripe from 'stripe'
import { Problem } from '#src/lib/problem.ts'
import { SECOND } from '#src/lib/time.ts'

/**
 * What a fault of Stripe means for us. `unavailable` and `limited` pass by themselves; `refused` (our key)
 * needs the operator; `missing` names something that Stripe does not know; `invalid` is a bug or a setting.
 */
export type StripeFault = 'unavailable' | 'limited' | 'refused' | 'missing' | 'invalid'

/** Undefined for what is no fault of Stripe. */
export function faultOf(error: unknown): StripeFault | undefined {
  if (!(error instanceof Stripe.errors.StripeError)) return undefined
  const { statusCode, code } = error
  if (statusCode === 429) return 'limited'
  if (statusCode === 401 || statusCode === 403) return 'refused'
  if (code === 'resource_missing') return 'missing'
  // Without a status there was no answer; 409 is a call of ours with the same key that still runs.
  if (statusCode === undefined || statusCode >= 500 || statusCode === 409) return 'unavailable'
  return 'invalid'
}

/**
 * Whether Stripe gave an answer that it keeps under the idempotency key: asking again with the same key
 * would only bring it back. A lost answer and a 429 leave the key unused or its result worth having.
 */
export function spendsKey(error: unknown): boolean {
  if (!(error instanceof Stripe.errors.StripeError)) return false
  const { statusCode } = error
  return statusCode !== undefined && ![401, 403, 409, 429].includes(statusCode)
}

/** How long Stripe asks us to wait; undefined where it does not say. */
export function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof Stripe.errors.StripeError)) return undefined
  const seconds = Number(error.headers?.['retry-after'] ?? 'NaN')
  return seconds >= 0 ? seconds * SECOND : undefined
}

export function billingUnavailable(detail: string, retryAfterSeconds = 5): Problem {
  return new Problem(503, 'billing-unavailable', detail, {
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}

/** Runs a request's call of Stripe; an outage is a 503 that says so, and nobody's tier changes by it. */
export async function orUnavailable<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const fault = faultOf(error)
    if (fault === undefined || fault === 'invalid' || fault === 'missing') throw error
    const wait = Math.ceil((retryAfterMs(error) ?? 5 * SECOND) / SECOND)
    throw billingUnavailable('The payment service does not answer now. Try again shortly.', wait)
  }
}
