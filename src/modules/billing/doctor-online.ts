import Stripe from 'stripe'
import { type Clock, systemClock } from '#src/lib/clock.ts'
import { noMeters } from '#src/lib/meters.ts'
import { DAY, MINUTE, SECOND } from '#src/lib/time.ts'
import { createStripe } from './client.ts'
import { type BillingFinding, error, warning } from './doctor.ts'
import { faultOf } from './fault.ts'
import { type BillingSettings, isLiveKey } from './settings.ts'
import { isRelevant } from './webhook.ts'

const NEEDED_EVENTS = [
  'checkout.session.completed',
  'customer.deleted',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'invoice.paid',
  'invoice.payment_failed',
]
/** A delivery that is younger may still be on its way. */
const DELIVERED_WITHIN_MS = 10 * MINUTE

/** What Stripe says about the key, the prices, the account and the endpoint. Charges nobody and changes nothing. */
export async function billingFindings(
  settings: BillingSettings,
  { webhookUrl, clock = systemClock }: { webhookUrl: string; clock?: Clock },
): Promise<BillingFinding[]> {
  const stripe = createStripe(settings, noMeters, clock)
  const findings: BillingFinding[] = []
  try {
    for (const [at, id] of settings.proPrices.entries()) {
      findings.push(...(await priceFindings(stripe, settings, id, at === 0)))
    }
    const checks = [
      ...SETUP.map(({ isDone, otherwise }) => async () => {
        return (await isDone(stripe, settings)) ? [] : [otherwise]
      }),
      () => endpointFindings(stripe, webhookUrl),
      () => deliveryFindings(stripe, clock.now()),
    ]
    for (const check of checks) findings.push(...(await ifAllowed(check)))
  } catch (thrown) {
    findings.push(outage(thrown))
  }
  return findings
}

/** A restricted key may lack the permission to read some of this; that is no fault. */
async function ifAllowed(check: () => Promise<BillingFinding[]>): Promise<BillingFinding[]> {
  try {
    return await check()
  } catch (thrown) {
    if (statusOf(thrown) === 403) return []
    throw thrown
  }
}

async function priceFindings(
  stripe: Stripe,
  settings: BillingSettings,
  id: string,
  sold: boolean,
): Promise<BillingFinding[]> {
  let price: Stripe.Price
  try {
    price = await stripe.prices.retrieve(id, { expand: ['product'] })
  } catch (thrown) {
    if (statusOf(thrown) !== 404) throw thrown
    const what = `Stripe has no price '${id}' for this key.`
    return [
      error('stripe-price', what, 'Prices of test mode and live mode differ: copy the right one.'),
    ]
  }
  const findings: BillingFinding[] = []
  if (price.livemode !== isLiveKey(settings.secretKey)) {
    const what = `Price '${id}' and STRIPE_SECRET_KEY are of different modes.`
    findings.push(error('stripe-mode', what, 'Take both from live mode, or both from test mode.'))
  }
  if (price.recurring === null) {
    const what = `Price '${id}' is paid once: it makes no subscription.`
    findings.push(error('stripe-price', what, 'Make a recurring price and put it first.'))
  }
  if (sold && !price.active) {
    const what = `Price '${id}', which is sold, is archived.`
    findings.push(error('stripe-price', what, 'Put an active price first in STRIPE_PRO_PRICES.'))
  }
  const { product } = price
  if (sold && typeof product === 'object' && (product.deleted || !product.active)) {
    const what = `The product of price '${id}', which is sold, is archived or deleted.`
    findings.push(error('stripe-price', what, 'Activate the product, or sell a price of another.'))
  }
  return findings
}

/** What has to be set up at Stripe before anybody can pay. */
const SETUP: readonly {
  isDone: (stripe: Stripe, settings: BillingSettings) => Promise<boolean>
  otherwise: BillingFinding
}[] = [
  {
    isDone: async (stripe) => (await stripe.accounts.retrieveCurrent()).charges_enabled,
    otherwise: error(
      'stripe-activation',
      'The Stripe account cannot take payments.',
      'Finish its activation: https://dashboard.stripe.com/account',
    ),
  },
  {
    async isDone({ billingPortal }) {
      const asked = { is_default: true, active: true, limit: 1 }
      return (await billingPortal.configurations.list(asked)).data.length > 0
    },
    otherwise: error(
      'stripe-portal',
      'The customer portal is not configured: nobody can manage a subscription.',
      'Save its settings once, in the mode of the key: Settings → Billing → Customer portal.',
    ),
  },
  {
    isDone: async ({ tax }, { automaticTax }) =>
      !automaticTax || (await tax.settings.retrieve()).status === 'active',
    otherwise: error(
      'stripe-tax',
      'STRIPE_AUTOMATIC_TAX is on, but Stripe Tax is not set up: every checkout is refused.',
      'Give the head office address and registrations in Settings → Tax, or turn the setting off.',
    ),
  },
]

async function endpointFindings(stripe: Stripe, webhookUrl: string): Promise<BillingFinding[]> {
  const ours: Stripe.WebhookEndpoint[] = []
  for await (const endpoint of stripe.webhookEndpoints.list({ limit: 100 })) {
    if (endpoint.url === webhookUrl) ours.push(endpoint)
  }
  const enabled = ours.find(({ status }) => status === 'enabled')
  if (!enabled) {
    return [
      warning(
        'stripe-webhook',
        `Stripe knows no ${ours.length > 0 ? 'enabled ' : ''}webhook endpoint ${webhookUrl}.`,
        'Add it in the dashboard (docs/billing.md), or run: stripe listen --forward-to …',
      ),
    ]
  }
  const { enabled_events } = enabled
  if (enabled_events.includes('*')) return []
  const missing = NEEDED_EVENTS.filter((name) => !enabled_events.some((one) => one === name))
  if (missing.length === 0) return []
  return [
    warning(
      'stripe-webhook',
      `The webhook endpoint does not send ${missing.join(', ')}.`,
      'Add these events to the endpoint; until then the nightly reconcile makes up for them.',
    ),
  ]
}

/** A wrong signing secret shows here, as failed deliveries. One page of them is enough to know. */
async function deliveryFindings(stripe: Stripe, now: number): Promise<BillingFinding[]> {
  const created = {
    gte: Math.floor((now - DAY) / SECOND),
    lte: Math.floor((now - DELIVERED_WITHIN_MS) / SECOND),
  }
  const { data } = await stripe.events.list({ delivery_success: false, created, limit: 100 })
  const failed = data.filter(({ type }) => isRelevant(type)).length
  if (failed === 0) return []
  return [
    warning(
      'stripe-webhook',
      `Stripe could not deliver ${failed}${data.length === 100 ? ' or more' : ''} events of the last day.`,
      'Open the endpoint in the dashboard. Deliveries answered 400 mean a wrong secret in STRIPE_WEBHOOK_SECRETS.',
    ),
  ]
}

function outage(thrown: unknown): BillingFinding {
  switch (faultOf(thrown)) {
    case 'setup':
      return error(
        'stripe-key',
        'Stripe refuses STRIPE_SECRET_KEY.',
        'Copy the key again; a restricted key needs to read prices and write customers, checkout sessions, subscriptions and portal sessions.',
      )
    case undefined:
      throw thrown
    default:
      return error(
        'stripe',
        'Stripe does not answer.',
        'Check DNS, the firewall and https://status.stripe.com',
      )
  }
}

function statusOf(thrown: unknown): number | undefined {
  return thrown instanceof Stripe.errors.StripeError ? thrown.statusCode : undefined
}
