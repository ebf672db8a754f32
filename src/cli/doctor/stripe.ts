import type { Config } from '#src/config/config.ts'
import { billingFormFindings } from '#src/modules/billing/doctor.ts'
import { billingFindings } from '#src/modules/billing/doctor-online.ts'
import { billingSettings } from '#src/modules/billing/settings.ts'
import type { Finding } from './finding.ts'

/** What can be told of the Stripe settings without asking Stripe. */
export function stripeFormFindings(config: Config): Finding[] {
  const settings = billingSettings(config)
  return settings
    ? billingFormFindings(settings, { production: config.nodeEnv === 'production' })
    : []
}

/** Asks Stripe about the key, the prices, the account and the webhook endpoint; charges nobody. */
export async function stripeFindings(config: Config): Promise<Finding[]> {
  const settings = billingSettings(config)
  if (!settings) return []
  return billingFindings(settings, { webhookUrl: `${config.publicUrl}/v1/webhook/stripe` })
}
