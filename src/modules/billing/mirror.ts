import type Stripe from 'stripe'
import { SECOND } from '#src/lib/time.ts'

/** A subscription never leaves these. */
const TERMINAL = ['canceled', 'incomplete_expired'] as const
/** The subscription charges its user, or will again: a second one would charge them twice. */
const LIVE = ['active', 'trialing', 'past_due', 'unpaid', 'paused']

/** One subscription as Stripe gave it, in our terms. */
export interface SubscriptionNow {
  id: string
  status: string
  priceId: string | null
  periodStart: number | null
  periodEnd: number | null
  cancelAtPeriodEnd: boolean
  paused: boolean
  createdAt: number
}

/** The result of one read of a customer. Plain data: it goes into a command. */
export interface Snapshot {
  customerId: string
  /** When the read began. */
  readAt: number
  /** When the read was over. A newer read that was applied meanwhile began before this instant. */
  readUntil: number
  /** The customer was deleted at Stripe. */
  gone: boolean
  subscriptions: SubscriptionNow[]
  /** Those checkout sessions of ours that were open, as they are now. */
  sessions: { id: string; status: 'open' | 'complete' | 'expired' }[]
}

/** The period is that of an item; of several items the one that makes Pro counts. */
export function toSubscriptionNow(
  subscription: Stripe.Subscription,
  items: readonly Stripe.SubscriptionItem[],
  proPrices: readonly string[],
): SubscriptionNow {
  const item = items.find(({ price }) => proPrices.includes(price.id)) ?? items[0]
  return {
    id: subscription.id,
    status: subscription.status,
    priceId: item?.price.id ?? null,
    periodStart: item ? item.current_period_start * SECOND : null,
    periodEnd: item ? item.current_period_end * SECOND : null,
    // The portal and flexible billing set an instant (`cancel_at`) where the API sets the flag.
    cancelAtPeriodEnd: subscription.cancel_at_period_end || subscription.cancel_at !== null,
    paused: subscription.pause_collection !== null,
    createdAt: subscription.created * SECOND,
  }
}

export function isTerminal(status: string): boolean {
  return TERMINAL.some((terminal) => terminal === status)
}

/** Whether a user with this subscription would pay twice for another one. */
export function isLive(
  { status, priceId }: { status: string; priceId: string | null },
  proPrices: readonly string[],
): boolean {
  return LIVE.includes(status) && priceId !== null && proPrices.includes(priceId)
}

export function toSessionStatus(
  status: Stripe.Checkout.Session['status'],
): 'open' | 'complete' | 'expired' {
  if (status === 'open') return 'open'
  if (status === 'complete') return 'complete'
  return 'expired'
}
