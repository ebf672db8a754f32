import { readFileSync } from 'node:fs'
import { visible } from '#src/lib/visible.ts'
import { isPublished, whyGuessable } from './guessable.ts'
import { oddText } from './odd-text.ts'
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
  // Where one of the three could not be read, that is the fault.
  const isStripeRead = !faults.some((fault) => fault.includes('STRIPE_'))
  const broken = crossRules.filter(({ isBroken }) => isBroken(config)).map(({ fault }) => fault)
  faults.push(...broken.filter((fault) => isStripeRead || !fault.startsWith('Stripe')))
  faults.push(...publishedSecrets(config))
  if (faults.length > 0) throw new ConfigError(faults)
  return { config: Object.freeze(config), notices }
}

/** Where METRICS_PORT listens: without a token only this machine may read the metrics, unless an address is given. */
export function metricsHost(config: Pick<Config, 'host' | 'metricsHost' | 'metricsToken'>): string {
  return config.metricsHost ?? (config.metricsToken === undefined ? '127.0.0.1' : config.host)
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
  if (given === FAULTY) return undefined
  const { text, from } = given
  const shown = option.secret ? 'what was given (not shown)' : `'${text}'`
  const odd = oddText(text, option)
  if (odd !== undefined) {
    faults.push(`${from} ${odd}. Given is ${shown}.`)
    return undefined
  }
  const value = option.read(text)
  if (value === undefined) {
    faults.push(`${option.name} cannot be ${shown}: allowed is ${option.allowed}.`)
  }
  return value
}

/** What was found has been added to the faults. */
const FAULTY = Symbol('faulty')

/** The text that was given and where; undefined where none was. */
function lookUp(
  option: Option<unknown>,
  environment: Environment,
  faults: string[],
  notices: string[],
): { text: string; from: string } | typeof FAULTY | undefined {
  for (const name of [option.name, ...option.formerly]) {
    const direct = environment[name]
    const path = environment[`${name}_FILE`]
    if (!direct && !path) continue
    if (name !== option.name)
      notices.push(`${name} is understood as ${option.name}; please rename it.`)
    if (direct && path) {
      faults.push(`${name} and ${name}_FILE are both given: give one of them.`)
      return FAULTY
    }
    let content = direct
    if (path) {
      content = readSetting(path)
      if (content === undefined) {
        const odd = oddText(path, { kind: 'value', secret: false })
        const hint = odd === undefined ? '' : `; the path ${odd}`
        faults.push(`${name}_FILE names '${path}', which cannot be read${hint}.`)
        return FAULTY
      }
    }
    const text = option.kind === 'lines' ? toLines(content ?? '') : content
    // Empty is not given, from a file as from a variable.
    if (!text) return undefined
    return { text, from: path ? `The file of ${name}_FILE` : name }
  }
  return undefined
}

/** Undefined where it cannot be read. Editors end a file with a line break, which is not part of the value. */
function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/(\r?\n)+$/, '')
  } catch {
    return undefined
  }
}

/** Prose of several lines may come from a Windows file, or from a block of YAML, which ends with a line break. */
function toLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/\n+$/, '')
}

/** A fault that only several settings together have. */
interface CrossRule {
  fault: string
  isBroken: (config: Values) => boolean
}

const isProduction = ({ nodeEnv }: Values) => nodeEnv === 'production'
const stripeSettings = (config: Values) => [
  config.stripeSecretKey,
  config.stripeWebhookSecrets?.[0],
  config.stripeProPrices?.[0],
]

/** Each has a case in test/config/cross-rules.test.ts. A setting that could not be read is undefined here. */
export const crossRules: CrossRule[] = [
  {
    fault: 'OTP_DELIVERY cannot be response in production: the code would be in the answer.',
    isBroken: (config) => isProduction(config) && config.otpDelivery === 'response',
  },
  {
    fault: 'OTP_DELIVERY=twilio needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM.',
    isBroken: ({ otpDelivery, twilioAccountSid, twilioAuthToken, twilioFrom }) =>
      otpDelivery === 'twilio' && !(twilioAccountSid && twilioAuthToken && twilioFrom),
  },
  {
    fault: 'OTP_DELIVERY=webhook needs OTP_WEBHOOK_URL and OTP_WEBHOOK_SECRET.',
    isBroken: ({ nodeEnv, otpDelivery, otpWebhookUrl, otpWebhookSecret }) =>
      nodeEnv !== 'development' &&
      otpDelivery === 'webhook' &&
      !(otpWebhookUrl && otpWebhookSecret),
  },
  {
    fault:
      'Stripe is half configured: STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRETS and STRIPE_PRO_PRICES go together.',
    isBroken(config) {
      const given = stripeSettings(config).filter((value) => value !== undefined).length
      return given > 0 && given < stripeSettings(config).length
    },
  },
  {
    fault: 'DATABASE_URL cannot be :memory: in production: everything would be lost at a restart.',
    isBroken: (config) => isProduction(config) && config.databasePath === ':memory:',
  },
]

/**
 * Secrets of production that everybody can look up: those of development and of the documentation of standards.
 * Signing secrets must not be made of common words either.
 */
function publishedSecrets(config: Values): string[] {
  if (!isProduction(config)) return []
  const signing = { JWT_SECRET: config.jwtSecret, JWT_SECRET_PREVIOUS: config.jwtSecretPrevious }
  const guessable = Object.entries(signing).flatMap(([name, secret]) => {
    const why = secret === undefined ? undefined : whyGuessable(secret)
    return why === undefined
      ? []
      : [`${name} ${why}. Set it to the output of: openssl rand -base64 48`]
  })
  const others: [string, (string | undefined)[]][] = [
    ['GEMINI_API_KEY', [config.geminiApiKey]],
    ['OTP_WEBHOOK_SECRET', [config.otpWebhookSecret?.replace(/^whsec_/, '')]],
    ['STRIPE_SECRET_KEY', [config.stripeSecretKey]],
    ['STRIPE_WEBHOOK_SECRETS', config.stripeWebhookSecrets ?? []],
    ['METRICS_TOKEN', [config.metricsToken]],
  ]
  const published = others
    .filter(([, values]) => values.some((value) => value !== undefined && isPublished(value)))
    .map(([name]) => `${name} is one that was published. Set it to your own.`)
  return [...guessable, ...published]
}
