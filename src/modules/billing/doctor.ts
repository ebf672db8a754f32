import { type BillingSettings, isLiveKey } from './settings.ts'

/** Something wrong with billing, and how to fix it, as `pollux doctor` shows it. */
export interface BillingFinding {
  level: 'error' | 'warning'
  check: string
  what: string
  fix: string
}

/** What is wrong with the form of the settings; asks nothing of Stripe. Secrets are never shown. */
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
    const fix = 'Copy the id of the price, which begins with price_; prod_… is the product.'
    findings.push(error('stripe-price', `'${price}' in STRIPE_PRO_PRICES is no price id.`, fix))
  }
  return findings
}

export function error(check: string, what: string, fix: string): BillingFinding {
  return { level: 'error', check, what, fix }
}

export function warning(check: string, what: string, fix: string): BillingFinding {
  return { level: 'warning', check, what, fix }
}
