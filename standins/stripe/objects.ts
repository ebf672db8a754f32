import type Stripe from 'stripe'

/** The version of the API whose shapes the SDK's types describe. */
export const API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion

/** An event of any type; its object is as it was when the event happened. */
export type StandInEvent = Omit<Stripe.EventBase, 'data' | 'type'> & {
  type: string
  data: { object: object }
}

/** A price the stand-in sells. */
export interface StandInPrice {
  id: string
  amount: number
  currency: string
  interval: 'day' | 'week' | 'month' | 'year'
  name: string
}

export function newId(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`
}

export function toPrice(price: StandInPrice, livemode: boolean): Stripe.Price {
  return {
    id: price.id,
    object: 'price',
    active: true,
    billing_scheme: 'per_unit',
    created: 0,
    currency: price.currency,
    custom_unit_amount: null,
    livemode,
    lookup_key: null,
    metadata: {},
    nickname: price.name,
    product: `prod_of_${price.id}`,
    recurring: {
      interval: price.interval,
      interval_count: 1,
      meter: null,
      trial_period_days: null,
      usage_type: 'licensed',
    },
    tax_behavior: 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: 'recurring',
    unit_amount: price.amount,
    unit_amount_decimal: null,
  }
}

/** The older form of a price, which items still have. */
export function toPlan(price: Stripe.Price): Stripe.Plan {
  return {
    id: price.id,
    object: 'plan',
    active: true,
    amount: price.unit_amount,
    amount_decimal: null,
    billing_scheme: 'per_unit',
    created: price.created,
    currency: price.currency,
    interval: price.recurring?.interval ?? 'month',
    interval_count: 1,
    livemode: price.livemode,
    metadata: {},
    meter: null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  }
}

export function newCustomer(values: {
  created: number
  livemode: boolean
  metadata: Record<string, string>
}): Stripe.Customer {
  return {
    id: newId('cus'),
    object: 'customer',
    balance: 0,
    created: values.created,
    default_source: null,
    delinquent: false,
    description: null,
    email: null,
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: values.livemode,
    metadata: values.metadata,
    shipping: null,
  }
}

export function listOf<T>(url: string, data: T[], hasMore = false): Stripe.ApiList<T> {
  return { object: 'list', url, data, has_more: hasMore }
}

export function newEvent(
  type: string,
  object: object,
  { now, livemode }: { now: number; livemode: boolean },
): StandInEvent {
  return {
    id: newId('evt'),
    object: 'event',
    api_version: API_VERSION,
    created: now,
    data: { object: structuredClone(object) },
    livemode,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  }
}
