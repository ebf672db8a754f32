import type Stripe from 'stripe'
import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'
import { ApiError, missing } from './behaviour.ts'
import type { Deliveries } from './deliveries.ts'
import {
  newCustomer as customerOf,
  newEvent,
  newId,
  type StandInEvent,
  type StandInPrice,
  toPrice,
} from './objects.ts'
import { newSubscription, startPeriod } from './subscription.ts'

export interface StateOptions {
  clock: Clock
  livemode: boolean
  prices: StandInPrice[]
  deliveries: Deliveries
}

/** Everything the stand-in stores, and the changes that can happen to it. Each change is an event. */
export function createState({ clock, livemode, prices, deliveries }: StateOptions) {
  const customers = new Map<string, Stripe.Customer | Stripe.DeletedCustomer>()
  const subscriptions = new Map<string, Stripe.Subscription>()
  const sessions = new Map<string, Stripe.Checkout.Session>()
  const portals = new Map<string, Stripe.BillingPortal.Session>()
  const events: StandInEvent[] = []
  const byId = new Map(prices.map((price) => [price.id, toPrice(price, livemode)]))
  const now = () => Math.floor(clock.now() / SECOND)
  /** Webhook endpoints; none unless a test adds some. */
  const endpoints: { id: string }[] = []
  /** What an operator sets up at Stripe once. */
  const setup = { portalSaved: true, taxActive: true, chargesEnabled: true }

  /** Records an event and sends it; does not wait for the delivery. */
  function happen(type: string, object: object): void {
    const event = newEvent(type, object, { now: now(), livemode })
    events.push(event)
    deliveries.send(event)
  }

  const invoiceEvent = (type: string, { id, customer, latest_invoice }: Stripe.Subscription) =>
    happen(type, { id: latest_invoice, object: 'invoice', customer, subscription: id })

  function newCustomer(metadata: Record<string, string> = {}): Stripe.Customer {
    const customer = customerOf({ created: now(), livemode, metadata })
    customers.set(customer.id, customer)
    happen('customer.created', customer)
    return customer
  }

  function price(id: string, param?: string): Stripe.Price {
    const found = byId.get(id)
    if (!found) throw missing('price', id, param)
    return found
  }

  function subscription(id: string): Stripe.Subscription {
    const found = subscriptions.get(id)
    if (!found) throw missing('subscription', id)
    return found
  }

  function session(id: string): Stripe.Checkout.Session {
    const found = sessions.get(id)
    if (!found) throw missing('checkout.session', id)
    return found
  }

  /** The customer named in a parameter, which must not be deleted. */
  function livingCustomer(id: string): Stripe.Customer {
    const found = customers.get(id)
    if (!found || found.deleted) throw missing('customer', id, 'customer')
    return found
  }

  function subscribe(
    customer: string,
    priceId: string,
    status: Stripe.Subscription.Status = 'active',
    metadata: Record<string, string> = {},
  ): Stripe.Subscription {
    const made = newSubscription({ customer, price: price(priceId), status, now: now(), metadata })
    subscriptions.set(made.id, made)
    happen('customer.subscription.created', made)
    return made
  }

  /** Pushes a subscription into any state, also one that the API would not allow now. */
  function setStatus(id: string, status: Stripe.Subscription.Status): void {
    const one = subscription(id)
    one.status = status
    const ended = status === 'canceled' || status === 'incomplete_expired'
    one.ended_at = ended ? now() : null
    one.canceled_at = status === 'canceled' ? now() : one.canceled_at
    happen(`customer.subscription.${ended ? 'deleted' : 'updated'}`, one)
  }

  function change(
    id: string,
    values: Partial<
      Pick<Stripe.Subscription, 'cancel_at' | 'cancel_at_period_end' | 'pause_collection'>
    >,
  ): Stripe.Subscription {
    const one = Object.assign(subscription(id), values)
    happen('customer.subscription.updated', one)
    return one
  }

  /** The next period begins, paid or not. */
  function renew(id: string, paid: boolean): void {
    const one = subscription(id)
    const item = one.items.data[0]
    if (one.cancel_at_period_end) {
      setStatus(id, 'canceled')
      return
    }
    if (item && one.status !== 'past_due')
      startPeriod(one, Math.max(now(), item.current_period_end))
    one.latest_invoice = newId('in')
    invoiceEvent(paid ? 'invoice.paid' : 'invoice.payment_failed', one)
    setStatus(id, paid ? 'active' : 'past_due')
  }

  function pay(sessionId: string): Stripe.Subscription {
    const one = session(sessionId)
    if (one.status !== 'open') throw new ApiError(400, 'This page has expired.')
    const { customer, metadata } = one
    if (typeof customer !== 'string') throw new ApiError(400, 'This session has no customer.')
    one.status = 'complete'
    one.payment_status = 'paid'
    const priceId = priceOf.get(sessionId) ?? ''
    const made = subscribe(customer, priceId, 'active', metadata ?? {})
    one.subscription = made.id
    one.url = null
    invoiceEvent('invoice.paid', made)
    happen('checkout.session.completed', one)
    return made
  }

  function expire(sessionId: string): Stripe.Checkout.Session {
    const one = session(sessionId)
    if (one.status !== 'open') {
      throw new ApiError(400, `Only open sessions can be expired; this one is ${one.status}.`)
    }
    one.status = 'expired'
    one.url = null
    happen('checkout.session.expired', one)
    return one
  }

  function deleteCustomer(id: string): Stripe.DeletedCustomer {
    const before = livingCustomer(id)
    for (const one of subscriptions.values()) {
      if (one.customer === id && one.ended_at === null) setStatus(one.id, 'canceled')
    }
    const deleted: Stripe.DeletedCustomer = { id, object: 'customer', deleted: true }
    customers.set(id, deleted)
    happen('customer.deleted', before)
    return deleted
  }

  /** What each session sells; the API shows it only where it is asked to expand. */
  const priceOf = new Map<string, string>()

  return {
    setup,
    endpoints,
    customers,
    subscriptions,
    sessions,
    portals,
    events,
    prices: byId,
    priceOf,
    livemode,
    now,
    happen,
    newCustomer,
    price,
    subscription,
    session,
    livingCustomer,
    subscribe,
    setStatus,
    change,
    renew,
    pay,
    expire,
    deleteCustomer,
  }
}

export type StripeState = ReturnType<typeof createState>
