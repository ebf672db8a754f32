import { describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { ConfigError, metricsHost, parseConfig } from '#src/config/config.ts'
import { options } from '#src/config/options.ts'
import { startStandIns } from '#standins/start.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { freePort } from '#test/support/free-port.ts'
import { fromSource, startServer } from '#test/support/server.ts'

const SECRET = 'b3JkZXItb2YtbWFnbml0dWRlLXNlY3JldC1mb3ItdGVzdHM'
const production = {
  NODE_ENV: 'production',
  JWT_SECRET: SECRET,
  GEMINI_API_KEY: 'AIzaSyA1',
  OTP_DELIVERY: 'webhook',
  OTP_WEBHOOK_URL: 'https://sms.example.com/send',
  OTP_WEBHOOK_SECRET: 'YS1zZWNyZXQtdGhhdC1pcy1sb25nLWVub3VnaC10by1zaWdu',
}

function faultsOf(environment: Record<string, string>): string[] {
  try {
    parseConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

const guessable = [
  'development-secret-development-secret',
  'Development_Secret.Development_Secret',
  'a'.repeat(64),
  'ab'.repeat(32),
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab',
  '0123456789'.repeat(4),
  'k3J9xQ2m'.repeat(5),
  '01234567890123456789012345678901',
  'changeme-changeme-changeme-changeme',
  'please-change-me-in-production-please!!',
  'your-256-bit-secret-your-256-bit-secret',
  'a-string-secret-at-least-256-bits-long',
  'replace this with a random string of at least 32 bytes',
  'my-super-secret-jwt-signing-key-for-development',
  'pollux-pollux-pollux-pollux-pollux',
  'secret1-secret2-secret3-secret4-secret5',
  '0123456789abcdefghijklmnopqrstuvwxyz',
  'storm-secret-storm-secret-storm-secret',
]

describe('In production', () => {
  for (const name of ['JWT_SECRET', 'JWT_SECRET_PREVIOUS']) {
    test.each(['a', 'x'.repeat(31), SECRET.slice(0, 31)])(
      `${name} of fewer than 32 bytes is refused: %s`,
      (given) => {
        const faults = faultsOf({ ...production, [name]: given })
        expect(faults).toHaveLength(1)
        expect(faults[0]).toStartWith(
          `${name} cannot be what was given (not shown): allowed is at least 32 bytes`,
        )
      },
    )

    test.each(guessable)(`${name} that everybody can guess is refused: %s`, (given) => {
      const faults = faultsOf({ ...production, [name]: given })
      expect(faults).toHaveLength(1)
      expect(faults[0]).toStartWith(`${name} `)
      expect(faults[0]).toContain('openssl rand -base64 48')
      expect(faults[0]).not.toContain(given)
    })

    test(`${name} by openssl is taken, however it is written`, () => {
      for (let times = 0; times < 200; times++) {
        for (const encoding of ['base64', 'hex', 'base64url'] as const) {
          const given = randomBytes(48).toString(encoding)
          expect(faultsOf({ ...production, [name]: given })).toEqual([])
        }
      }
    })
  }

  test('no secret of development or of its stand-ins is taken', async () => {
    const { config } = parseConfig({ NODE_ENV: 'development', OTP_DELIVERY: 'webhook' })
    const standIns = await startStandIns(config)
    const given = standIns.config
    await standIns.stop()
    const secrets = Object.entries(options).flatMap(([key, { name, secret }]) => {
      const value: unknown = given[key as keyof typeof given]
      const text = Array.isArray(value) ? value.join(',') : value
      return secret && typeof text === 'string' && text !== '' ? [[name, text] as const] : []
    })
    expect(secrets.map(([name]) => name).sort()).toEqual([
      'GEMINI_API_KEY',
      'JWT_SECRET',
      'OTP_WEBHOOK_SECRET',
      'STRIPE_SECRET_KEY',
      'STRIPE_WEBHOOK_SECRETS',
    ])
    const stripe = {
      STRIPE_SECRET_KEY: 'sk_live_1',
      STRIPE_WEBHOOK_SECRETS: 'whsec_1',
      STRIPE_PRO_PRICES: 'price_1',
    }
    for (const [name, text] of secrets) {
      const faults = faultsOf({ ...production, ...stripe, [name]: text })
      expect(faults).toHaveLength(1)
      expect(faults[0]).toStartWith(`${name} `)
      expect(faults[0]).not.toContain(text)
    }
  })

  test('a published secret is one also beside a good one, and behind its prefix', () => {
    const stripe = { STRIPE_SECRET_KEY: 'sk_live_1', STRIPE_PRO_PRICES: 'price_1' }
    const webhooks = { STRIPE_WEBHOOK_SECRETS: 'whsec_1,whsec_stand_in' }
    expect(faultsOf({ ...production, ...stripe, ...webhooks })[0]).toStartWith(
      'STRIPE_WEBHOOK_SECRETS is one',
    )
    const otp = { OTP_WEBHOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }
    expect(faultsOf({ ...production, ...otp })[0]).toStartWith('OTP_WEBHOOK_SECRET is one')
  })
})

describe('METRICS_PORT', () => {
  const at = (environment: Record<string, string>) =>
    metricsHost(parseConfig({ ...production, METRICS_PORT: '9100', ...environment }).config)

  test('listens on the loopback alone while there is no token', () => {
    expect(at({})).toBe('127.0.0.1')
    expect(at({ HOST: '0.0.0.0' })).toBe('127.0.0.1')
    expect(at({ HOST: '::' })).toBe('127.0.0.1')
  })

  test('is not reached on another address of this machine without a token', async () => {
    for (const [token, status] of [
      ['', 'refused'],
      ['token-of-the-metrics', 401],
    ] as const) {
      const port = freePort()
      await using folder = await temporaryFolder()
      await using _server = await startServer({
        command: fromSource,
        environment: {
          NODE_ENV: 'test',
          HOST: '0.0.0.0',
          METRICS_PORT: String(port),
          METRICS_TOKEN: token,
          DATABASE_URL: `file:${folder.file('p.db')}`,
          OTP_DELIVERY: 'log',
          GEMINI_API_KEY: 'key',
        },
      })
      const statusAt = (host: string) =>
        fetch(`http://${host}:${port}/metrics`).then(
          (answer) => answer.status,
          () => 'refused',
        )
      expect(await statusAt('127.0.0.1')).toBe(token === '' ? 200 : 401)
      // 0.0.0.0 answers here too.
      expect(await statusAt('127.0.0.2')).toBe(status)
    }
  })

  test('listens where HOST does once a token guards it, and where METRICS_HOST says', () => {
    expect(at({ METRICS_TOKEN: 'token-of-the-metrics' })).toBe('0.0.0.0')
    expect(at({ METRICS_HOST: '10.0.0.2' })).toBe('10.0.0.2')
    expect(at({ METRICS_HOST: '10.0.0.2', METRICS_TOKEN: 'token-of-the-metrics' })).toBe('10.0.0.2')
  })
})
