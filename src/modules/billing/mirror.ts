import type Stripe from 'stripe'
import { SECOND } from '#src/lib/time.ts'

/** No way leads out of these. */
export const TERMINAL = ['canceled', 'incomplete_expired'] as const
/** It exists and asks for money or will again: nobody needs a second one. */
const LIVE = ['active', 'trialing', 'past_due', 'unpaid', 'paused']

/** One subscription as Stripe told of it, in our terms. */
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

/** All that one read of a customer told. Plain data: it goes into a command. */
export interface Snapshot {
  customerId: string
  /** When the read began. */
  readAt: number
  /** When it was over; of a later read that it overtook, `readAt` lies before. */
  readUntil: number
  /** The customer was deleted at Stripe. */
  gone: boolean
  subscriptions: SubscriptionNow[]
  /** Those checkout sessions of ours that were open, as they are now. */
  sessions: { id: string; status: 'open' | 'complete' | 'expired' }[]
}

/** The period lives on the items; of several the one that makes Pro speaks for the subscription. */
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
    // The portal and flexible billing set an instant where the API sets the flag.
    cancelAtPeriodEnd: subscription.cancel_at_period_end || subscription.cancel_at !== null,
    paused: subscription.pause_collection !== null,
    createdAt: subscription.created * SECOND,
  }
}

export function isTerminal(status: string): boolean {
  return TERMINAL.some((terminal) => terminal === status)
}

/** Whether selling another one would make somebody pay twice. */
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
