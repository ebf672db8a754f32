import type Stripe from 'stripe'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { notFound, Problem } from '#src/lib/problem.ts'
import { SECOND, toInstant } from '#src/lib/time.ts'
import { keepPortal } from './commands.ts'
import type { BillingRules } from './entitlement.ts'
import { faultOf, type Guard } from './fault.ts'
import { isLive, isTerminal } from './mirror.ts'
import type { PortalPage } from './model.ts'
import { type Customer, findCustomerOf, findStanding } from './queries.ts'
import type { BillingSettings } from './settings.ts'
import type { SingleFlight } from './single-flight.ts'
import type { Refresh } from './sync.ts'

/** What a user has, by the mirror alone. */
export function createStatus({
  database,
  rules,
  clock,
}: {
  database: Database
  rules: BillingRules
  clock: Clock
}) {
  return async (userId: string) => {
    const standing = await database.read(findStanding, { userId, now: clock.now(), rules })
    if (!standing) throw notFound()
    const { phone, tier, by, graceUntil, subscriptions } = standing
    // A subscription that may become active again is shown before one that has ended.
    const shown = by ?? subscriptions.find(({ status }) => !isTerminal(status)) ?? subscriptions[0]
    return {
      phone,
      tier,
      status: shown?.status ?? 'none',
      currentPeriodEnd: shown?.periodEnd ? toInstant(shown.periodEnd) : null,
      cancelAtPeriodEnd: shown?.cancelAtPeriodEnd ?? false,
      graceUntil: graceUntil === null ? null : toInstant(graceUntil),
    }
  }
}

/** Stripe ends a page of the portal that is not opened within five minutes. */
const PORTAL_REUSE_MS = 30 * SECOND

export interface SubscriptionDeps {
  stripe: Stripe
  database: Database
  refresh: Refresh
  guard: Guard
  singleFlight: SingleFlight
  clock: Clock
  settings: BillingSettings
  livemode: boolean
}

/** What a user may do with a subscription. Each action reads it from Stripe, changes it there, and reads it again. */
export function createSubscription(deps: SubscriptionDeps) {
  const { stripe, database, guard, singleFlight, clock, settings, livemode } = deps

  async function customerOf(userId: string): Promise<Customer> {
    const customer = await database.read(findCustomerOf, { userId, livemode })
    if (!customer) throw notSubscribed()
    return customer
  }

  async function refresh(customerId: string) {
    const { gone, subscriptions } = await deps.refresh(customerId)
    return { gone, live: subscriptions.filter((one) => isLive(one, settings.proPrices)) }
  }

  /** Sets every live subscription to end with its period, or not to. @throws Problem 409 `not-subscribed` */
  async function setCancelled(userId: string, cancel: boolean): Promise<void> {
    const { id } = await customerOf(userId)
    let { live } = await refresh(id)
    const changed = live.filter((one) => one.cancelAtPeriodEnd !== cancel)
    for (const one of changed) await setCancel(stripe, one.id, cancel)
    if (changed.length > 0) live = (await refresh(id)).live
    if (live.length === 0) throw notSubscribed()
  }

  /** The last page while it is recent. More time left than any page has means that the clock was set back. */
  async function recentPortal(userId: string): Promise<PortalPage | undefined> {
    const { portal } = await customerOf(userId)
    const leftMs = (portal?.until ?? 0) - clock.now()
    return portal && leftMs > 0 && leftMs <= PORTAL_REUSE_MS ? { url: portal.url } : undefined
  }

  const makePortal = singleFlight((userId) =>
    guard(async () => {
      const recent = await recentPortal(userId)
      if (recent) return recent
      const { id } = await customerOf(userId)
      const until = clock.now() + PORTAL_REUSE_MS
      const url = await createPortal(id)
      await database.run(keepPortal, { customerId: id, url, until })
      return { url }
    }),
  )

  /** @throws Problem 409 `not-subscribed` where the customer was deleted at Stripe */
  async function createPortal(customer: string): Promise<string> {
    try {
      const page = { customer, return_url: settings.portalReturnUrl }
      return (await stripe.billingPortal.sessions.create(page)).url
    } catch (error) {
      if (faultOf(error) === 'missing' && (await refresh(customer)).gone) throw notSubscribed()
      throw error
    }
  }

  return {
    /** Ends it with the period; doing so twice is fine. */
    cancel: singleFlight((userId) => guard(() => setCancelled(userId, true))),

    /** Undoes a cancellation before the period ends; doing so twice is fine. */
    resume: singleFlight((userId) => guard(() => setCancelled(userId, false))),

    /**
     * For a person who comes back from paying before the webhook arrives. Joins no run that has begun: it may have
     * read too early.
     */
    sync: singleFlight(
      (userId) =>
        guard(async () => {
          const customer = await database.read(findCustomerOf, { userId, livemode })
          if (customer) await refresh(customer.id)
        }),
      { joins: false },
    ),

    portal: async (userId: string) => (await recentPortal(userId)) ?? makePortal(userId),
  }
}

async function setCancel(stripe: Stripe, id: string, cancel: boolean): Promise<void> {
  try {
    const { cancel_at, cancel_at_period_end } = await stripe.subscriptions.retrieve(id)
    // An end that was set as an instant, as the portal does, is removed as an instant.
    const byInstant = !cancel && cancel_at !== null && !cancel_at_period_end
    await stripe.subscriptions.update(
      id,
      byInstant ? { cancel_at: '' } : { cancel_at_period_end: cancel },
    )
  } catch (error) {
    // It ended a moment ago; the read that follows shows it.
    if (faultOf(error) !== 'missing') throw error
  }
}

function notSubscribed(): Problem {
  return new Problem(
    409,
    'not-subscribed',
    'This account has no subscription. POST /v1/subscribe/pro gives the page to get one.',
  )
}
