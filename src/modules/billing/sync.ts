import type Stripe from 'stripe'
import type { Clock } from '#src/lib/clock.ts'
import { faultOf } from './fault.ts'
import { type Snapshot, toSessionStatus, toSubscriptionNow } from './mirror.ts'
import type { BillingStore } from './store.ts'

/** Stripe's largest page. */
const PAGE = 100

export interface SyncDeps {
  stripe: Stripe
  store: BillingStore
  clock: Clock
  proPrices: readonly string[]
  livemode: boolean
}

/** Reads what is true of one customer. Events only say that it is worth reading. */
export type ReadCustomer = (customerId: string, signal?: AbortSignal) => Promise<Snapshot>

export function createReadCustomer(deps: SyncDeps): ReadCustomer {
  const { stripe, store, clock, proPrices, livemode } = deps

  /**
   * A deleted customer is told as deleted for ever. In test mode all data may be wiped; in live mode an
   * unknown customer means that the key is another account's, which must downgrade nobody.
   */
  async function isGone(customerId: string): Promise<boolean> {
    try {
      return (await stripe.customers.retrieve(customerId)).deleted === true
    } catch (error) {
      if (faultOf(error) === 'missing' && !livemode) return true
      throw error
    }
  }

  return async (customerId, signal) => {
    const readAt = clock.now()
    const subscriptions: Snapshot['subscriptions'] = []
    const sessions: Snapshot['sessions'] = []
    const told = (gone: boolean) => {
      return { customerId, readAt, readUntil: clock.now(), gone, subscriptions, sessions }
    }
    if (await isGone(customerId)) return told(true)
    // Before the subscriptions: what is paid between the two reads is then seen as a subscription.
    for (const id of await store.openSessions(customerId)) {
      sessions.push({ id, status: await sessionStatus(stripe, id) })
    }
    const list = stripe.subscriptions.list({ customer: customerId, status: 'all', limit: PAGE })
    for await (const subscription of list) {
      signal?.throwIfAborted()
      subscriptions.push(
        toSubscriptionNow(subscription, await itemsOf(stripe, subscription), proPrices),
      )
    }
    return told(false)
  }
}

/** All items: a subscription brings its first ten only. */
async function itemsOf(
  stripe: Stripe,
  { id, items }: Stripe.Subscription,
): Promise<Stripe.SubscriptionItem[]> {
  if (!items.has_more) return items.data
  return Array.fromAsync(stripe.subscriptionItems.list({ subscription: id, limit: PAGE }))
}

/** A session that Stripe no longer knows can no longer be paid. */
async function sessionStatus(
  stripe: Stripe,
  id: string,
): Promise<ReturnType<typeof toSessionStatus>> {
  try {
    return toSessionStatus((await stripe.checkout.sessions.retrieve(id)).status)
  } catch (error) {
    if (faultOf(error) === 'missing') return 'expired'
    throw error
  }
}
