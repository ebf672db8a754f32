import type Stripe from 'stripe'
import type { Clock } from '#src/lib/clock.ts'
import { notFound, Problem } from '#src/lib/problem.ts'
import { toInstant } from '#src/lib/time.ts'
import type { Entitlements } from './entitlement.ts'
import { orUnavailable } from './fault.ts'
import { isLive, isTerminal } from './mirror.ts'
import type { BillingSettings } from './settings.ts'
import type { BillingStore } from './store.ts'
import type { ReadCustomer } from './sync.ts'
import { inTurns } from './turns.ts'

/** Where a user stands, from the mirror alone. */
export function createStatus({
  store,
  entitlements,
  clock,
}: {
  store: BillingStore
  entitlements: Entitlements
  clock: Clock
}) {
  return async (userId: string) => {
    const phone = store.phoneOf(userId)
    if (phone === undefined) throw notFound()
    const { tier, by, graceUntil } = entitlements.explain(userId, clock.now())
    const customer = await store.customerOf(userId)
    const all = customer ? await store.subscriptionsOf(customer.id) : []
    // One that could come back says more than one that is over.
    const shown = by ?? all.find(({ status }) => !isTerminal(status)) ?? all[0]
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

export type Status = Awaited<ReturnType<ReturnType<typeof createStatus>>>

export interface SubscriptionDeps {
  stripe: Stripe
  store: BillingStore
  read: ReadCustomer
  settings: BillingSettings
}

/** What a user may do with a subscription. Each reads the truth, acts on it at Stripe, and reads it again. */
export function createSubscription({ stripe, store, read, settings }: SubscriptionDeps) {
  async function customerOf(userId: string): Promise<string> {
    const customer = await store.customerOf(userId)
    if (!customer) throw notSubscribed()
    return customer.id
  }

  async function refresh(customerId: string) {
    const snapshot = await read(customerId)
    await store.applySync(snapshot)
    return snapshot.subscriptions.filter((one) => isLive(one, settings.proPrices))
  }

  /** Changes every live subscription `wants` names. @throws Problem 409 `not-subscribed` */
  async function change(
    userId: string,
    wants: (one: { cancelAtPeriodEnd: boolean }) => boolean,
    cancelAtPeriodEnd: boolean,
  ): Promise<void> {
    const customerId = await customerOf(userId)
    const live = await refresh(customerId)
    if (live.length === 0) throw notSubscribed()
    const wanted = live.filter(wants)
    for (const { id } of wanted) await setCancel(stripe, id, cancelAtPeriodEnd)
    if (wanted.length > 0) await refresh(customerId)
  }

  return {
    /** Ends it with the period; doing so twice is fine. */
    cancel: (userId: string) =>
      orUnavailable(() => change(userId, (one) => !one.cancelAtPeriodEnd, true)),

    /** Undoes a cancellation before the period ends; doing so twice is fine. */
    resume: (userId: string) =>
      orUnavailable(() => change(userId, (one) => one.cancelAtPeriodEnd, false)),

    /** For a person who is back from paying before the webhook was. */
    sync: inTurns((userId) =>
      orUnavailable(async () => {
        const customer = await store.customerOf(userId)
        if (customer) await refresh(customer.id)
      }),
    ),

    portal: (userId: string) =>
      orUnavailable(async () => {
        const { url } = await stripe.billingPortal.sessions.create({
          customer: await customerOf(userId),
          return_url: settings.portalReturnUrl,
        })
        return { url }
      }),
  }
}

async function setCancel(stripe: Stripe, id: string, cancel: boolean): Promise<void> {
  const { cancel_at, cancel_at_period_end } = await stripe.subscriptions.retrieve(id)
  // An end set as an instant (the portal does so) is undone as an instant.
  const byInstant = !cancel && cancel_at !== null && !cancel_at_period_end
  await stripe.subscriptions.update(
    id,
    byInstant ? { cancel_at: '' } : { cancel_at_period_end: cancel },
  )
}

function notSubscribed(): Problem {
  return new Problem(
    409,
    'not-subscribed',
    'This account has no subscription. POST /v1/subscribe/pro gives the page to get one.',
  )
}
