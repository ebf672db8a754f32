import type Stripe from 'stripe'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { applySync } from './apply-sync.ts'
import type { BillingRules } from './entitlement.ts'
import { faultOf } from './fault.ts'
import { type Snapshot, toSessionStatus, toSubscriptionNow } from './mirror.ts'
import { openSessions } from './queries.ts'

/** Stripe's largest page. */
const PAGE = 100

export interface SyncDeps {
  stripe: Stripe
  database: Database
  clock: Clock
  rules: BillingRules
}

/** Reads one customer from Stripe. Events only say that this is worth doing. */
export type ReadCustomer = (customerId: string, signal?: AbortSignal) => Promise<Snapshot>

/** Reads one customer from Stripe and stores the result. */
export type Refresh = (customerId: string) => Promise<Snapshot>

export function createSync({ stripe, database, clock, rules }: SyncDeps) {
  const { proPrices, livemode } = rules

  /**
   * Stripe names a deleted customer for ever. In test mode all data may be deleted. In live mode an unknown customer
   * means that the key is that of another account, which must downgrade nobody.
   */
  async function isGone(customerId: string): Promise<boolean> {
    try {
      return (await stripe.customers.retrieve(customerId)).deleted === true
    } catch (error) {
      if (faultOf(error) === 'missing' && !livemode) return true
      throw error
    }
  }

  const read: ReadCustomer = async (customerId, signal) => {
    const readAt = clock.now()
    const subscriptions: Snapshot['subscriptions'] = []
    const sessions: Snapshot['sessions'] = []
    const result = (gone: boolean) => {
      return { customerId, readAt, readUntil: clock.now(), gone, subscriptions, sessions }
    }
    if (await isGone(customerId)) return result(true)
    // Before the subscriptions: what is paid between the two reads is then seen as a subscription.
    for (const { id } of await database.read(openSessions, { customerId })) {
      sessions.push({ id, status: await sessionStatus(stripe, id) })
    }
    const list = stripe.subscriptions.list({ customer: customerId, status: 'all', limit: PAGE })
    for await (const subscription of list) {
      signal?.throwIfAborted()
      subscriptions.push(
        toSubscriptionNow(subscription, await itemsOf(stripe, subscription), proPrices),
      )
    }
    return result(false)
  }

  const refresh: Refresh = async (customerId) => {
    const snapshot = await read(customerId)
    await database.run(applySync, { snapshot, rules })
    return snapshot
  }

  return { read, refresh }
}

/** All items: Stripe sends only the first ten with a subscription. */
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
