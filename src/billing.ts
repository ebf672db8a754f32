import type { Config } from './config/config.ts'
import type { Deps } from './deps.ts'
import { DAY, MINUTE } from './lib/time.ts'
import { createBilling } from './modules/billing/service.ts'
import type { BillingSettings } from './modules/billing/settings.ts'
import { type Limit, userLimit } from './modules/limits/limit.ts'
import type { Principal } from './plugins/auth.ts'
import type { Queue } from './queue/queue.ts'

/** Builds billing from the configuration; docs/billing.md says how it is set up. */
export function composeBilling(deps: Deps, queue: Queue) {
  const { config, database, clock, random, log, meters } = deps
  return createBilling({
    database,
    queue,
    clock,
    random,
    log,
    meters,
    settings: billingSettings(config),
    graceDays: config.graceDays,
    basicDailyPrompts: config.basicDailyPrompts,
  })
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

/** What one user may ask of Stripe: every route that calls it counts. */
export function billingLimits({
  billingPerUserMinute,
  billingPerUserDay,
}: Config): (principal: Principal) => Limit[] {
  return (principal) => [
    userLimit('billing', principal, billingPerUserMinute, MINUTE),
    userLimit('billing-day', principal, billingPerUserDay, DAY),
  ]
}
