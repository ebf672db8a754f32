import { type Config, type Environment, metricsHost } from '#src/config/config.ts'
import { whyGuessable } from '#src/config/guessable.ts'
import { options } from '#src/config/options.ts'
import { error, type Finding, found, warning } from './finding.ts'

const LEAST_TOKEN = 16
const OURS =
  /^(ACCESS|ARGON2|AUTO|BACKUP|BASIC|CORS|DATABASE|DRAIN|GEMINI|JOB|JWT|LOG|METRICS|OTP|PROVIDER|PUBLIC|QUOTA|REFRESH|REPLY|SMS|STRIPE|TRUSTED|TWILIO|WORKER|WRITER)_/

/** What the settings say together that no one of them says alone. */
export function settingsFindings(config: Config): Finding[] {
  const production = config.nodeEnv === 'production'
  const url = new URL(config.publicUrl)
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const weakness = whyGuessable(config.jwtSecret)
  return found(
    !production &&
      warning(
        'environment',
        `NODE_ENV is ${config.nodeEnv}: stand-ins may answer in place of providers.`,
        'Unset NODE_ENV, or set it to production.',
      ),
    weakness !== undefined &&
      warning(
        'jwt-secret',
        `JWT_SECRET ${weakness}: production would refuse it.`,
        'Set it to the output of: openssl rand -base64 48',
      ),
    config.jwtSecretPrevious === config.jwtSecret &&
      warning(
        'jwt-previous',
        'JWT_SECRET_PREVIOUS is the same as JWT_SECRET.',
        'Unset it; it only helps for the life of the tokens signed before a change.',
      ),
    production &&
      (local || url.protocol !== 'https:') &&
      warning(
        'public-url',
        `PUBLIC_URL is ${config.publicUrl}: links lead to this machine or are not encrypted.`,
        'Set it to the https address clients use.',
      ),
    production &&
      url.protocol === 'https:' &&
      config.trustedProxies.length === 0 &&
      warning(
        'trusted-proxies',
        'TRUSTED_PROXIES is empty, so everybody behind the proxy that does TLS shares one IP limit.',
        'Set it to the address of that proxy, as the server sees it.',
      ),
    config.trustedProxies.some((proxy) => /\/0$|^\*$/.test(proxy)) &&
      error(
        'trusted-proxies',
        'TRUSTED_PROXIES trusts everybody: any client can claim any address.',
        'Name the proxy’s own address or network.',
      ),
    production &&
      config.otpDelivery === 'log' &&
      error(
        'otp-delivery',
        'OTP_DELIVERY=log: nobody receives a code, and whoever reads the log can log in as anybody.',
        'Set it to twilio or webhook.',
      ),
    config.metricsToken !== undefined &&
      config.metricsToken.length < LEAST_TOKEN &&
      warning(
        'metrics-token',
        `METRICS_TOKEN has fewer than ${LEAST_TOKEN} characters.`,
        'Set it to the output of: openssl rand -hex 32',
      ),
    config.metricsPort > 0 &&
      config.metricsPort === config.port &&
      error(
        'metrics-port',
        'METRICS_PORT is the same as PORT.',
        'Give it another, or unset it and set METRICS_TOKEN.',
      ),
    config.metricsPort > 0 &&
      config.metricsToken === undefined &&
      !isLoopback(metricsHost(config)) &&
      (isEveryAddress(metricsHost(config)) ? error : warning)(
        'metrics-host',
        `METRICS_PORT shows the metrics on ${metricsHost(config)} to whoever reaches it, without a token.`,
        'Set METRICS_TOKEN, or unset METRICS_HOST so that only this machine reaches it.',
      ),
    config.geminiBaseUrl?.startsWith('http:') &&
      production &&
      warning(
        'gemini-url',
        'GEMINI_BASE_URL is not encrypted: the key and every prompt can be read on the way.',
        'Use https, or unset it.',
      ),
    config.basicDailyPrompts === 0 &&
      warning(
        'basic-quota',
        'BASIC_DAILY_PROMPTS is 0: only Pro users can send a prompt.',
        'Set it to at least 1, unless that is meant.',
      ),
    production &&
      ['debug', 'silent'].includes(config.logLevel) &&
      warning(
        'log-level',
        `LOG_LEVEL is ${config.logLevel}.`,
        'Set it to info: debug is too much for production, silent hides every fault.',
      ),
  )
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** Names in the environment that look like settings and are none: a misspelt one is silently not there. */
export function misspeltFindings(environment: Environment): Finding[] {
  const names = Object.values(options).flatMap((option) => [option.name, ...option.formerly])
  const known = new Set(names.flatMap((name) => [name, `${name}_FILE`]))
  return Object.keys(environment)
    .filter((name) => OURS.test(name) && !known.has(name))
    .map((name) =>
      warning(
        'misspelt',
        `${name} is not a setting, so it has no effect.`,
        'See docs/configuration.md.',
      ),
    )
}
