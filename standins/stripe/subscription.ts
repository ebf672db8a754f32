import type Stripe from 'stripe'
import { listOf, newId, toPlan } from './objects.ts'

export interface NewSubscription {
  customer: string
  price: Stripe.Price
  status: Stripe.Subscription.Status
  /** Seconds since the epoch, as all of Stripe's instants. */
  now: number
  metadata?: Record<string, string>
}

const DAY_SECONDS = 86_400
const intervals: Record<string, number> = { day: 1, week: 7, month: 30, year: 365 }

export function periodSeconds(price: Stripe.Price): number {
  return (intervals[price.recurring?.interval ?? 'month'] ?? 30) * DAY_SECONDS
}

/** Every field of the pinned API version: a field that Stripe adds or takes away stops the compiler here. */
export function newSubscription(values: NewSubscription): Stripe.Subscription {
  const { customer, price, status, now } = values
  const id = newId('sub')
  const livemode = price.livemode
  return {
    id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: now,
    billing_cycle_anchor_config: null,
    billing_mode: { flexible: null, type: 'flexible' },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: null,
    collection_method: 'charge_automatically',
    created: now,
    currency: price.currency,
    customer,
    customer_account: null,
    days_until_due: null,
    default_payment_method: null,
    default_source: null,
    description: null,
    discounts: [],
    ended_at: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: listOf(`/v1/subscription_items?subscription=${id}`, [newItem(id, price, now)]),
    latest_invoice: newId('in'),
    livemode,
    managed_payments: null,
    metadata: values.metadata ?? {},
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: null,
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status,
    test_clock: null,
    transfer_data: null,
    trial_end: null,
    trial_settings: null,
    trial_start: null,
  }
}

export function newItem(
  subscription: string,
  price: Stripe.Price,
  now: number,
): Stripe.SubscriptionItem {
  return {
    id: newId('si'),
    object: 'subscription_item',
    billing_thresholds: null,
    created: now,
    current_period_end: now + periodSeconds(price),
    current_period_start: now,
    current_trial: null,
    discounts: [],
    metadata: {},
    plan: toPlan(price),
    price,
    quantity: 1,
    subscription,
    tax_rates: [],
  }
}

/** Moves every item to the period that begins at `from`. */
export function startPeriod(subscription: Stripe.Subscription, from: number): void {
  for (const item of subscription.items.data) {
    item.current_period_start = from
    item.current_period_end = from + periodSeconds(item.price)
  }
}
