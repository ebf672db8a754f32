import type { Config } from '#src/config/config.ts'
import { createGeminiStandIn } from './gemini/server.ts'
import { createSmsStandIn } from './sms/server.ts'
import { createStripeStandIn, STAND_IN_PRICE } from './stripe/server.ts'
import { welcome } from './welcome.ts'

/** As the real model streams: slow enough to be seen. */
const PIECE_DELAY_MS = 60
/** Base64 of 24 bytes that say so. */
const SMS_SECRET = Buffer.from('stand-in-stand-in-secret').toString('base64')
const STRIPE_WEBHOOK_SECRET = 'whsec_stand_in'

export interface StandIns {
  /** The configuration with the stand-ins' addresses in it. */
  config: Config
  /** Tells the stand-ins where the server is, and gives where everything is for whoever started it. */
  welcome(url: string): string
  stop(): Promise<void>
}

/** Starts a stand-in for each outside service that has no key. @throws outside development */
export async function startStandIns(config: Config): Promise<StandIns> {
  if (config.nodeEnv !== 'development') throw new Error('Stand-ins run in development only')
  const gemini =
    config.geminiApiKey === 'stand-in' && config.geminiBaseUrl === undefined
      ? createGeminiStandIn({ pieceDelayMs: PIECE_DELAY_MS })
      : undefined
  const stripe =
    config.stripeSecretKey === undefined
      ? createStripeStandIn({ webhookSecret: STRIPE_WEBHOOK_SECRET })
      : undefined
  const sms =
    config.otpDelivery === 'webhook' && config.otpWebhookUrl === undefined
      ? createSmsStandIn({ secret: SMS_SECRET })
      : undefined
  return {
    config: {
      ...config,
      ...(sms && { otpWebhookUrl: sms.webhookUrl, otpWebhookSecret: SMS_SECRET }),
      ...(gemini && { geminiBaseUrl: gemini.url }),
      ...(stripe && {
        stripeSecretKey: 'sk_test_stand_in',
        stripeWebhookSecrets: [STRIPE_WEBHOOK_SECRET],
        stripeProPrices: [STAND_IN_PRICE.id],
        stripeApiBase: stripe.url,
      }),
    },
    welcome(url) {
      stripe?.deliverTo(`${url}/v1/webhook/stripe`)
      return welcome(url, {
        'Gemini stand-in': gemini?.url,
        'Stripe stand-in': stripe?.url,
        'SMS inbox': sms?.url,
      })
    },
    async stop() {
      await gemini?.stop()
      await stripe?.stop()
      await sms?.stop()
    },
  }
}
