import type Stripe from 'stripe'
import { HOUR, SECOND } from '#src/lib/time.ts'
import { ApiError, missing, type StripeCall, type StripeRefusal } from './behaviour.ts'
import { nestedOf, type Params, textOf, textsOf } from './form.ts'
import { listOf, newId } from './objects.ts'
import { REFUSALS } from './refusals.ts'
import { newSession } from './session.ts'
import type { StripeState } from './state.ts'

const LIFE_SECONDS = (24 * HOUR) / SECOND
const ITEMS_SHOWN = 10

type Handler = (params: Params, id: string) => object

/** The part of the API that Pollux uses, by method and path. */
export function createApi(state: StripeState, base: () => string): (call: StripeCall) => object {
  const { now, livemode } = state

  const createCustomer: Handler = (params) => {
    allow<Stripe.CustomerCreateParams>(params, ['metadata', 'email', 'name', 'phone'])
    return state.newCustomer(textsOf(params, 'metadata'))
  }

  const createSession: Handler = (params) => {
    allow<Stripe.Checkout.SessionCreateParams>(params, [
      'mode',
      'customer',
      'client_reference_id',
      'line_items',
      'success_url',
      'cancel_url',
      'allow_promotion_codes',
      'automatic_tax',
      'customer_update',
      'metadata',
      'subscription_data',
    ])
    const line = nestedOf(nestedOf(params, 'line_items'), '0')
    const price = state.price(
      required(line, 'price', 'line_items[0][price]'),
      'line_items[0][price]',
    )
    if (textOf(params, 'mode') !== 'subscription') {
      throw new ApiError(400, 'The stand-in sells subscriptions only.', { param: 'mode' })
    }
    const customer = state.livingCustomer(required(params, 'customer')).id
    const automaticTax = textOf(nestedOf(params, 'automatic_tax'), 'enabled') === 'true'
    const subscribed = [...state.subscriptions.values()].find((one) => one.customer === customer)
    if (!state.setup.chargesEnabled) throw refused(REFUSALS['account not activated'])
    if (!price.active) throw refused(REFUSALS['price inactive'])
    if (automaticTax && !state.setup.taxActive) throw refused(REFUSALS['tax not activated'])
    if (subscribed && subscribed.currency !== price.currency) {
      throw refused(REFUSALS['combined currencies'])
    }
    const session = newSession({
      base: base(),
      customer,
      price,
      now: now(),
      expiresAt: now() + LIFE_SECONDS,
      successUrl: required(params, 'success_url'),
      cancelUrl: textOf(params, 'cancel_url') ?? null,
      clientReferenceId: textOf(params, 'client_reference_id') ?? null,
      metadata: textsOf(params, 'metadata'),
      allowPromotionCodes: textOf(params, 'allow_promotion_codes') === 'true',
      automaticTax,
    })
    state.sessions.set(session.id, session)
    state.priceOf.set(session.id, price.id)
    return session
  }

  const updateSubscription: Handler = (params, id) => {
    allow<Stripe.SubscriptionUpdateParams>(params, ['cancel_at_period_end', 'cancel_at'])
    const one = state.subscription(id)
    if (one.ended_at !== null) throw missing('subscription', id)
    const atEnd = textOf(params, 'cancel_at_period_end')
    const changed = state.change(id, {
      ...(atEnd === undefined ? {} : cancelling(one, atEnd === 'true')),
      ...(textOf(params, 'cancel_at') === '' ? { cancel_at: null } : {}),
    })
    return shown(changed)
  }

  const createPortal: Handler = (params) => {
    allow<Stripe.BillingPortal.SessionCreateParams>(params, ['customer', 'return_url'])
    if (!state.setup.portalSaved) throw refused(REFUSALS['portal not configured'])
    const id = newId('bps')
    const session: Stripe.BillingPortal.Session = {
      id,
      object: 'billing_portal.session',
      configuration: 'bpc_standin',
      created: now(),
      customer: state.livingCustomer(required(params, 'customer')).id,
      customer_account: null,
      flow: null,
      livemode,
      locale: null,
      on_behalf_of: null,
      return_url: textOf(params, 'return_url') ?? null,
      url: `${base()}/portal/${id}`,
    }
    state.portals.set(id, session)
    return session
  }

  const listSubscriptions: Handler = (params) => {
    const customer = required(params, 'customer')
    if (!state.customers.has(customer)) throw missing('customer', customer, 'customer')
    const status = textOf(params, 'status')
    const all = [...state.subscriptions.values()]
      .filter((one) => one.customer === customer)
      .filter((one) => (status === 'all' ? true : status ? one.status === status : !one.ended_at))
    return paged('/v1/subscriptions', all.reverse().map(shown), params)
  }

  const listItems: Handler = (params) => {
    const { items } = state.subscription(required(params, 'subscription'))
    return paged('/v1/subscription_items', items.data, params)
  }

  const listEvents: Handler = (params) => {
    const asked = nestedOf(params, 'created')
    const since = Number(textOf(asked, 'gte') ?? 0)
    const until = Number(textOf(asked, 'lte') ?? Number.MAX_SAFE_INTEGER)
    const undelivered = textOf(params, 'delivery_success') === 'false'
    const all = state.events
      .filter(({ created }) => created >= since && created <= until)
      .filter(({ pending_webhooks }) => !undelivered || pending_webhooks > 0)
    return paged('/v1/events', all.reverse(), params)
  }

  const routes: [method: string, path: RegExp, handler: Handler][] = [
    ['POST', /^\/v1\/customers$/, createCustomer],
    [
      'GET',
      /^\/v1\/customers\/([^/]+)$/,
      (_, id) => {
        const customer = state.customers.get(id)
        if (!customer) throw missing('customer', id)
        return customer
      },
    ],
    ['DELETE', /^\/v1\/customers\/([^/]+)$/, (_, id) => state.deleteCustomer(id)],
    ['POST', /^\/v1\/checkout\/sessions$/, createSession],
    ['GET', /^\/v1\/checkout\/sessions\/([^/]+)$/, (_, id) => state.session(id)],
    ['POST', /^\/v1\/checkout\/sessions\/([^/]+)\/expire$/, (_, id) => state.expire(id)],
    ['GET', /^\/v1\/subscriptions$/, listSubscriptions],
    ['GET', /^\/v1\/subscriptions\/([^/]+)$/, (_, id) => shown(state.subscription(id))],
    ['GET', /^\/v1\/subscription_items$/, listItems],
    ['POST', /^\/v1\/subscriptions\/([^/]+)$/, updateSubscription],
    [
      'DELETE',
      /^\/v1\/subscriptions\/([^/]+)$/,
      (_, id) => {
        if (state.subscription(id).ended_at !== null) throw missing('subscription', id)
        state.setStatus(id, 'canceled')
        return shown(state.subscription(id))
      },
    ],
    ['POST', /^\/v1\/billing_portal\/sessions$/, createPortal],
    ['GET', /^\/v1\/prices\/([^/]+)$/, (_, id) => state.price(id)],
    [
      'GET',
      /^\/v1\/account$/,
      () => ({ object: 'account', charges_enabled: state.setup.chargesEnabled }),
    ],
    [
      'GET',
      /^\/v1\/tax\/settings$/,
      () => ({ object: 'tax.settings', status: state.setup.taxActive ? 'active' : 'pending' }),
    ],
    [
      'GET',
      /^\/v1\/billing_portal\/configurations$/,
      () => {
        const saved = state.setup.portalSaved ? [{ id: 'bpc_standin', active: true }] : []
        return listOf('/v1/billing_portal/configurations', saved)
      },
    ],
    ['GET', /^\/v1\/events$/, listEvents],
    [
      'GET',
      /^\/v1\/webhook_endpoints$/,
      (params) => paged('/v1/webhook_endpoints', state.endpoints, params),
    ],
  ]

  return ({ method, path, params }) => {
    for (const [wanted, pattern, handler] of routes) {
      const match = pattern.exec(path)
      if (wanted === method && match) return handler(params, match[1] ?? '')
    }
    throw new ApiError(404, `Unrecognized request URL (${method}: ${path}).`)
  }
}

/** Both are set and unset together, as the API does. */
export function cancelling(one: Stripe.Subscription, cancel: boolean) {
  const end = one.items.data[0]?.current_period_end ?? null
  return { cancel_at_period_end: cancel, cancel_at: cancel ? end : null }
}

/** The real API refuses parameters it does not know; the names are checked against the SDK's types. */
function allow<T>(params: Params, names: (keyof T & string)[]): void {
  for (const name of Object.keys(params)) {
    if (names.some((known) => known === name)) continue
    throw new ApiError(400, `Received unknown parameter: ${name}`, {
      code: 'parameter_unknown',
      param: name,
    })
  }
}

function required(params: Params, name: string, param = name): string {
  const value = textOf(params, name)
  if (value) return value
  throw new ApiError(400, `Missing required param: ${param}.`, { code: 'parameter_missing', param })
}

function refused({ status, message, ...rest }: StripeRefusal): ApiError {
  return new ApiError(status, message, rest)
}

/** The API sends only the first ten items with a subscription. */
function shown(one: Stripe.Subscription): Stripe.Subscription {
  const { url, data } = one.items
  return { ...one, items: listOf(url, data.slice(0, ITEMS_SHOWN), data.length > ITEMS_SHOWN) }
}

/** One page of a list that is newest first. */
function paged<T extends { id: string }>(url: string, all: T[], params: Params) {
  const limit = Math.min(100, Number(textOf(params, 'limit') ?? 10))
  const after = textOf(params, 'starting_after')
  const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
  return listOf(url, all.slice(from, from + limit), all.length > from + limit)
}
