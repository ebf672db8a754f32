import type { Config } from '#src/config/config.ts'
import { DAY, MINUTE } from '#src/lib/time.ts'
import { type Limit, userLimit } from '#src/modules/limits/limit.ts'
import type { Principal } from '#src/plugins/auth.ts'

/** What billing takes from the configuration; undefined as a whole where Stripe is not configured. */
export interface BillingSettings {
  secretKey: string
  webhookSecrets: readonly string[]
  /** Prices that make a user Pro; the first is sold. */
  proPrices: readonly string[]
  /** Another address of the Stripe API. */
  apiBase: string | undefined
  /** Longest wait for one answer of Stripe. */
  timeoutMs: number
  successUrl: string
  cancelUrl: string
  portalReturnUrl: string
  promotionCodes: boolean
  automaticTax: boolean
}

/** Undefined where Stripe is not configured; half a configuration was refused at start. */
export function billingSettings(config: Config): BillingSettings | undefined {
  if (config.stripeSecretKey === undefined) return undefined
  const back = `${config.publicUrl}/v1/subscription/return?outcome=`
  return {
    secretKey: config.stripeSecretKey,
    webhookSecrets: config.stripeWebhookSecrets,
    proPrices: config.stripeProPrices,
    apiBase: config.stripeApiBase,
    timeoutMs: config.stripeTimeoutMs,
    successUrl: config.stripeSuccessUrl ?? `${back}paid`,
    cancelUrl: config.stripeCancelUrl ?? `${back}cancelled`,
    portalReturnUrl: config.stripePortalReturnUrl ?? `${back}portal`,
    promotionCodes: config.stripePromotionCodes,
    automaticTax: config.stripeAutomaticTax,
  }
}

/** Stripe keeps live mode and test mode apart; the key says which of them this server uses. */
export function isLiveKey(secretKey: string): boolean {
  return /^(sk|rk)_live_/.test(secretKey)
}

/** How often one user may use the routes that call Stripe. */
export function billingLimits({
  billingPerUserMinute,
  billingPerUserDay,
}: Config): (principal: Principal) => Limit[] {
  return (principal) => [
    userLimit('billing', principal, billingPerUserMinute, MINUTE),
    userLimit('billing-day', principal, billingPerUserDay, DAY),
  ]
}
