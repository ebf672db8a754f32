import type Stripe from 'stripe'
import { noMeters } from '#src/lib/meters.ts'
import { createStripe } from './client.ts'
import { faultOf } from './fault.ts'
import { type BillingSettings, isLiveKey } from './settings.ts'

/** Something wrong with billing, and how to mend it; the doctor's own form. */
export interface BillingFinding {
  level: 'error' | 'warning'
  check: string
  what: string
  mend: string
}

const NEEDED_EVENTS = [
  'checkout.session.completed',
  'customer.deleted',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'invoice.paid',
  'invoice.payment_failed',
]

/** What can be told without asking Stripe. Secrets are never shown. */
export function billingFormFindings(
  settings: BillingSettings,
  { production }: { production: boolean },
): BillingFinding[] {
  const { secretKey, webhookSecrets, proPrices } = settings
  const findings: BillingFinding[] = []
  if (!/^(sk|rk)_(test|live)_\S+$/.test(secretKey)) {
    const what = /^pk_/.test(secretKey)
      ? 'STRIPE_SECRET_KEY holds a publishable key.'
      : 'STRIPE_SECRET_KEY has not the form sk_live_… or sk_test_… (rk_… for a restricted key).'
    findings.push(
      error('stripe-key', what, 'Copy the secret key from the API keys page of Stripe.'),
    )
  } else if (production && !isLiveKey(secretKey)) {
    findings.push(
      warning(
        'stripe-key',
        'STRIPE_SECRET_KEY is a test key in production: nobody is charged.',
        'Give the live key, a live price, and the secret of a live webhook endpoint.',
      ),
    )
  }
  for (const [at, secret] of webhookSecrets.entries()) {
    if (/^whsec_[\x21-\x7e]+$/.test(secret)) continue
    findings.push(
      error(
        'stripe-webhook',
        `Secret ${at + 1} of STRIPE_WEBHOOK_SECRETS has not the form whsec_….`,
        'Copy the signing secret of the webhook endpoint, not the key of the API.',
      ),
    )
  }
  for (const price of proPrices) {
    if (/^price_/.test(price)) continue
    const mend = 'Copy the id of the price, which begins with price_; prod_… is the product.'
    findings.push(error('stripe-price', `'${price}' in STRIPE_PRO_PRICES is no price id.`, mend))
  }
  return findings
}

/** What Stripe says of the key, the prices and the endpoint. Charges nobody and changes nothing. */
export async function billingFindings(
  settings: BillingSettings,
  { webhookUrl }: { webhookUrl: string },
): Promise<BillingFinding[]> {
  const stripe = createStripe(settings, noMeters)
  const findings: BillingFinding[] = []
  try {
    for (const [at, id] of settings.proPrices.entries()) {
      findings.push(...(await priceFindings(stripe, settings, id, at === 0)))
    }
    findings.push(...(await endpointFindings(stripe, webhookUrl)))
  } catch (thrown) {
    findings.push(outage(thrown))
  }
  return findings
}

async function priceFindings(
  stripe: Stripe,
  settings: BillingSettings,
  id: string,
  sold: boolean,
): Promise<BillingFinding[]> {
  let price: Stripe.Price
  try {
    price = await stripe.prices.retrieve(id)
  } catch (thrown) {
    if (faultOf(thrown) !== 'missing') throw thrown
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
  return findings
}

async function endpointFindings(stripe: Stripe, webhookUrl: string): Promise<BillingFinding[]> {
  let endpoints: Stripe.WebhookEndpoint[]
  try {
    endpoints = (await stripe.webhookEndpoints.list({ limit: 100 })).data
  } catch (thrown) {
    // A restricted key need not be allowed to see them.
    if (faultOf(thrown) === 'refused') return []
    throw thrown
  }
  const ours = endpoints.filter(({ url }) => url === webhookUrl)
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

function outage(thrown: unknown): BillingFinding {
  switch (faultOf(thrown)) {
    case 'refused':
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

function error(check: string, what: string, mend: string): BillingFinding {
  return { level: 'error', check, what, mend }
}

function warning(check: string, what: string, mend: string): BillingFinding {
  return { level: 'warning', check, what, mend }
}
