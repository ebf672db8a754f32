import type Stripe from 'stripe'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { Problem } from '#src/lib/problem.ts'
import type { Random } from '#src/lib/random.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { endAttempt, startAttempt } from './attempts.ts'
import { addCheckout, addCustomer, type Checkout } from './commands.ts'
import { billingUnavailable, faultOf, type Guard, spendsKey } from './fault.ts'
import { isLive } from './mirror.ts'
import { findCustomerOf, openSessions } from './queries.ts'
import type { BillingSettings } from './settings.ts'
import type { SingleFlight } from './single-flight.ts'
import type { Refresh } from './sync.ts'

/** A page that expires sooner is not given: a person needs time to fetch the card. */
const LEAST_MS = 5 * MINUTE
/** The customer may be deleted at Stripe meanwhile; then we try again. */
const TRIES = 3

export interface CheckoutDeps {
  stripe: Stripe
  database: Database
  refresh: Refresh
  guard: Guard
  singleFlight: SingleFlight
  clock: Clock
  random: Random
  settings: BillingSettings
  livemode: boolean
}

/**
 * Gives a user the page to pay on. A user has one customer and one open session, also when requests repeat or run in
 * parallel.
 * @throws Problem 409 `already-subscribed`, 503 `billing-unavailable`
 */
export function createCheckout(deps: CheckoutDeps): (userId: string) => Promise<Checkout> {
  const { stripe, database, refresh, guard, singleFlight, clock, random, settings, livemode } = deps

  async function checkout(userId: string): Promise<Checkout> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const known = await database.read(findCustomerOf, { userId, livemode })
      if (known && !(await isFree(known.id))) continue
      const customerId = known?.id ?? (await createCustomer(userId))
      // Those that were open at the read above.
      const open = await database.read(openSessions, { customerId })
      const recent = open.find(({ expiresAt }) => expiresAt >= clock.now() + LEAST_MS)
      if (recent) return recent
      try {
        return await createSession(userId, customerId)
      } catch (error) {
        if (faultOf(error) !== 'missing' || attempt === TRIES) throw error
      }
    }
    throw billingUnavailable('The subscription is just changing. Try again shortly.')
  }

  /** Reads the customer from Stripe first, so that nobody pays twice. False where the customer was deleted. */
  async function isFree(customerId: string): Promise<boolean> {
    const snapshot = await refresh(customerId)
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
    const customer = { userId, customerId, livemode, scope, now: clock.now() }
    if (!(await database.run(addCustomer, customer))) throw gone()
    // Another process may have stored a customer of its own first.
    return (await database.read(findCustomerOf, { userId, livemode }))?.id ?? customerId
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
    const input = { customerId, checkout: made, scope, now: clock.now() }
    if (!(await database.run(addCheckout, input))) throw gone()
    return made
  }

  /** One creating call, repeated under the same key until Stripe's answer is known. */
  async function once<T>(scope: string, call: (idempotencyKey: string) => Promise<T>): Promise<T> {
    const now = clock.now()
    const key = await database.run(startAttempt, { scope, key: random.id(now), now })
    try {
      return await call(key)
    } catch (error) {
      if (spendsKey(error)) await database.run(endAttempt, { scope })
      throw error
    }
  }

  return singleFlight((userId) => guard(() => checkout(userId)))
}

/** The addresses to return to come from the configuration, never from a request. */
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
    // Tax needs an address, and Stripe keeps the one given at the checkout only if it is asked to.
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
