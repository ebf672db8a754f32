import type Stripe from 'stripe'
import type { Clock } from '#src/lib/clock.ts'
import { Problem } from '#src/lib/problem.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { billingUnavailable, faultOf, type Guard, spendsKey } from './fault.ts'
import { isLive } from './mirror.ts'
import type { BillingSettings } from './settings.ts'
import type { SingleFlight } from './single-flight.ts'
import type { BillingStore, Checkout } from './store.ts'
import type { ReadCustomer } from './sync.ts'

/** A page that closes sooner is no good to a person who has yet to find the card. */
const LEAST_MS = 5 * MINUTE
/** The customer may be deleted while we look; then we look again. */
const TRIES = 3

export interface CheckoutDeps {
  stripe: Stripe
  store: BillingStore
  read: ReadCustomer
  guard: Guard
  singleFlight: SingleFlight
  clock: Clock
  settings: BillingSettings
  livemode: boolean
}

/**
 * Gives a user the page to pay on: one customer, one open session, however often and in parallel it is
 * asked for.
 * @throws Problem 409 `already-subscribed`, 503 `billing-unavailable`
 */
export function createCheckout(deps: CheckoutDeps): (userId: string) => Promise<Checkout> {
  const { stripe, store, read, guard, singleFlight, clock, settings, livemode } = deps

  async function checkout(userId: string): Promise<Checkout> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const known = await store.customerOf(userId)
      if (known && !(await isFree(known.id))) continue
      const customerId = known?.id ?? (await createCustomer(userId))
      // Open as of the read above.
      const open = await store.openCheckout({ customerId, now: clock.now(), leastMs: LEAST_MS })
      if (open) return open
      try {
        return await createSession(userId, customerId)
      } catch (error) {
        if (faultOf(error) !== 'missing' || attempt === TRIES) throw error
      }
    }
    throw billingUnavailable('The subscription is just changing. Try again shortly.')
  }

  /** Reads the truth first, so that nobody pays twice. False where the customer is gone. */
  async function isFree(customerId: string): Promise<boolean> {
    const snapshot = await read(customerId)
    await store.applySync(snapshot)
    if (snapshot.subscriptions.some((one) => isLive(one, settings.proPrices))) {
      throw new Problem(
        409,
        'already-subscribed',
        'This account has a subscription. Manage it, or pay what is open, on the page that POST /v1/subscription/portal gives.',
      )
    }
    return !snapshot.gone
  }

  async function createCustomer(userId: string): Promise<string> {
    const scope = `customer:${livemode}:${userId}`
    const { id: customerId } = await once(scope, (idempotencyKey) =>
      stripe.customers.create({ metadata: { user_id: userId } }, { idempotencyKey }),
    )
    if (!(await store.addCustomer({ userId, customerId, scope, now: clock.now() }))) throw gone()
    // Another process may have been faster with a customer of its own.
    return (await store.customerOf(userId))?.id ?? customerId
  }

  async function createSession(userId: string, customerId: string): Promise<Checkout> {
    const scope = `session:${customerId}`
    const session = await once(scope, (idempotencyKey) =>
      stripe.checkout.sessions.create(sessionParams(settings, userId, customerId), {
        idempotencyKey,
      }),
    )
    if (session.url === null) throw new Error('Stripe made a checkout session without a page')
    const made = { id: session.id, url: session.url, expiresAt: session.expires_at * SECOND }
    const kept = await store.addCheckout({ customerId, checkout: made, scope, now: clock.now() })
    if (!kept) throw gone()
    return made
  }

  /** One creating call, repeated under the same key until Stripe's answer is known. */
  async function once<T>(scope: string, call: (idempotencyKey: string) => Promise<T>): Promise<T> {
    const key = await store.claimAttempt({ scope, now: clock.now() })
    try {
      return await call(key)
    } catch (error) {
      if (spendsKey(error)) await store.dropAttempt(scope)
      throw error
    }
  }

  return singleFlight((userId) => guard(() => checkout(userId)))
}

/** Where a person ends up comes from the configuration, never from a request. */
function sessionParams(
  settings: BillingSettings,
  userId: string,
  customerId: string,
): Stripe.Checkout.SessionCreateParams {
  const metadata = { user_id: userId }
  return {
    mode: 'subscription',
    customer: customerId,
    client_reference_id: userId,
    line_items: [{ price: settings.proPrices[0] ?? '', quantity: 1 }],
    success_url: settings.successUrl,
    cancel_url: settings.cancelUrl,
    allow_promotion_codes: settings.promotionCodes,
    automatic_tax: { enabled: settings.automaticTax },
    // Tax needs an address, and Stripe keeps the one given at the checkout only if told to.
    ...(settings.automaticTax && { customer_update: { address: 'auto' as const } }),
    metadata,
    subscription_data: { metadata },
  }
}

/** The account was deleted while its checkout was made. */
function gone(): Problem {
  return new Problem(401, 'unauthenticated', 'This account no longer exists.', {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })
}
