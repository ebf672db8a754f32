import { readFileSync } from 'node:fs'
import { visible } from '#src/lib/visible.ts'
import type { Option } from './option.ts'
import { options } from './options.ts'

type Values = {
  [K in keyof typeof options]: (typeof options)[K] extends Option<infer T> ? T : never
}

export type Config = Readonly<Values>
export type Environment = Record<string, string | undefined>

/** Every fault of the environment at once. */
export class ConfigError extends Error {
  readonly faults: string[]
  constructor(faults: string[]) {
    super(
      `The configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${visible(fault)}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** Reads only the settings named, for a command that needs no others. @throws ConfigError */
export function parseSettings<K extends keyof Config>(
  environment: Environment,
  keys: readonly K[],
): Pick<Config, K> {
  const faults: string[] = []
  const development = isDevelopment(environment)
  const entries = keys.map((key) => [
    key,
    readOption(options[key] as Option<unknown>, environment, development, faults, []),
  ])
  if (faults.length > 0) throw new ConfigError(faults)
  // Each entry was read by the option of its own key.
  return Object.fromEntries(entries) as Pick<Config, K>
}

/**
 * Reads the environment once. Each option `X` may also come as `X_FILE`, the path of a file that holds it.
 * @throws ConfigError naming each fault; secrets are never shown
 */
export function parseConfig(environment: Environment): { config: Config; notices: string[] } {
  const faults: string[] = []
  const notices: string[] = []
  const development = isDevelopment(environment)
  const entries = Object.entries(options).map(([key, option]) => {
    return [key, readOption(option as Option<unknown>, environment, development, faults, notices)]
  })
  // Each entry was read by the option of its own key.
  const config = Object.fromEntries(entries) as Values
  // Where one of the three could not be read it has been said so.
  const isStripeRead = !faults.some((fault) => fault.startsWith('STRIPE_'))
  faults.push(...crossFaults(config, isStripeRead))
  if (faults.length > 0) throw new ConfigError(faults)
  return { config: Object.freeze(config), notices }
}

function isDevelopment(environment: Environment): boolean {
  return ['development', 'test'].includes(environment['NODE_ENV'] ?? '')
}

function readOption(
  option: Option<unknown>,
  environment: Environment,
  development: boolean,
  faults: string[],
  notices: string[],
): unknown {
  const given = lookUp(option, environment, faults, notices)
  if (given === undefined) {
    if (development && option.development) return option.development.value
    if (option.fallback) return option.fallback.value
    faults.push(`${option.name} is missing: ${option.describe} (${option.allowed}).`)
    return undefined
  }
  const value = option.read(given)
  if (value === undefined) {
    const shown = option.secret ? 'what was given (not shown)' : `'${given}'`
    faults.push(`${option.name} cannot be ${shown}: allowed is ${option.allowed}.`)
  }
  return value
}

function lookUp(
  option: Option<unknown>,
  environment: Environment,
  faults: string[],
  notices: string[],
): string | undefined {
  for (const name of [option.name, ...option.formerly]) {
    const direct = environment[name]
    const path = environment[`${name}_FILE`]
    if (!direct && !path) continue
    if (name !== option.name)
      notices.push(`${name} is understood as ${option.name}; please rename it.`)
    if (direct && path) {
      faults.push(`${name} and ${name}_FILE are both given: give one of them.`)
      return undefined
    }
    if (direct) return direct
    try {
      // Empty is not given, as with a variable.
      return readFileSync(path ?? '', 'utf8').trim() || undefined
    } catch {
      faults.push(`${name}_FILE names '${path}', which cannot be read.`)
      return undefined
    }
  }
  return undefined
}

/** Faults that only two options together can have. */
function crossFaults(config: Values, isStripeRead: boolean): string[] {
  const faults: string[] = []
  if (config.nodeEnv === 'production' && config.otpDelivery === 'response') {
    faults.push('OTP_DELIVERY cannot be response in production: the code would be in the answer.')
  }
  if (config.otpDelivery === 'twilio') {
    const { twilioAccountSid, twilioAuthToken, twilioFrom } = config
    if (!twilioAccountSid || !twilioAuthToken || !twilioFrom) {
      faults.push(
        'OTP_DELIVERY=twilio needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM.',
      )
    }
  }
  if (config.nodeEnv !== 'development' && config.otpDelivery === 'webhook') {
    if (!config.otpWebhookUrl || !config.otpWebhookSecret) {
      faults.push('OTP_DELIVERY=webhook needs OTP_WEBHOOK_URL and OTP_WEBHOOK_SECRET.')
    }
  }
  const stripe = [
    config.stripeSecretKey,
    config.stripeWebhookSecrets?.[0],
    config.stripeProPrices?.[0],
  ]
  const given = stripe.filter((value) => value !== undefined).length
  if (isStripeRead && given > 0 && given < stripe.length) {
    faults.push(
      'Stripe is half configured: STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRETS and STRIPE_PRO_PRICES go together.',
    )
  }
  return faults
}
