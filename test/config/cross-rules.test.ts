import { describe, expect, test } from 'bun:test'
import { ConfigError, crossRules, parseConfig } from '#src/config/config.ts'
import { options } from '#src/config/options.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const SECRET = 'b3JkZXItb2YtbWFnbml0dWRlLXNlY3JldC1mb3ItdGVzdHM'
const twilio = {
  OTP_DELIVERY: 'twilio',
  TWILIO_ACCOUNT_SID: 'AC1',
  TWILIO_AUTH_TOKEN: 'token',
  TWILIO_FROM: '+12025550123',
}
const webhook = {
  OTP_DELIVERY: 'webhook',
  OTP_WEBHOOK_URL: 'https://sms.example.com',
  OTP_WEBHOOK_SECRET: 'YS1zZWNyZXQtdGhhdC1pcy1sb25nLWVub3VnaC10by1zaWdu',
}
const stripe = {
  STRIPE_SECRET_KEY: 'sk_test_1',
  STRIPE_WEBHOOK_SECRETS: 'whsec_1',
  STRIPE_PRO_PRICES: 'price_1',
}
const production = { NODE_ENV: 'production', JWT_SECRET: SECRET, GEMINI_API_KEY: 'key', ...twilio }

function faultsOf(environment: Record<string, string>): string[] {
  try {
    parseConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

function without(environment: Record<string, string>, ...names: string[]) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)))
}

const everywhere = ['production', 'test', 'development']
/** Each fault of settings that are each allowed, and every environment it holds in. */
const cases: [fault: RegExp, given: Record<string, string>, holdsIn: string[]][] = [
  [/cannot be response in production/, { OTP_DELIVERY: 'response' }, ['production']],
  ...['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_FROM'].map(
    (missing): (typeof cases)[number] => [
      /^OTP_DELIVERY=twilio needs/,
      without(twilio, missing),
      everywhere,
    ],
  ),
  ...['OTP_WEBHOOK_URL', 'OTP_WEBHOOK_SECRET'].map((missing): (typeof cases)[number] => [
    /^OTP_DELIVERY=webhook needs/,
    without(webhook, missing),
    ['production', 'test'],
  ]),
  ...Object.keys(stripe).flatMap((one): typeof cases => [
    [/^Stripe is half configured/, without(stripe, one), everywhere],
    [
      /^Stripe is half configured/,
      without(stripe, ...Object.keys(stripe).filter((name) => name !== one)),
      everywhere,
    ],
  ]),
  [/cannot be :memory: in production/, { DATABASE_URL: ':memory:' }, ['production']],
  [/cannot be :memory: in production/, { DATABASE_URL: 'file::memory:' }, ['production']],
]

describe('Settings that exclude each other', () => {
  test('every rule has a case here', () => {
    // A rule without one: add settings that break it to `cases` above.
    const untested = crossRules.filter(({ fault }) => !cases.some(([text]) => text.test(fault)))
    expect(untested).toEqual([])
  })

  for (const [fault, given, holdsIn] of cases) {
    const names = Object.keys(given).join(', ')
    for (const nodeEnv of ['production', 'test', 'development']) {
      const verb = holdsIn.includes(nodeEnv) ? 'refused' : 'allowed'
      test(`${fault.source}: ${names} alone are ${verb} in ${nodeEnv}`, () => {
        const base =
          'OTP_DELIVERY' in given ? without(production, ...Object.keys(twilio)) : production
        const faults = faultsOf({ ...base, ...given, NODE_ENV: nodeEnv })
        const found = faults.filter((one) => fault.test(one))
        expect(found).toHaveLength(holdsIn.includes(nodeEnv) ? 1 : 0)
        // No other fault stands in for it.
        expect(faults).toEqual(found)
      })
    }
  }

  test('settings that go together are taken', () => {
    for (const given of [twilio, webhook, { OTP_DELIVERY: 'log' }]) {
      const base = without(production, ...Object.keys(twilio))
      expect(faultsOf({ ...base, ...given, ...stripe })).toEqual([])
    }
  })

  test('a Stripe setting that cannot be read is not also called missing', () => {
    const given = { ...production, ...stripe, STRIPE_WEBHOOK_SECRETS_FILE: '/nowhere' }
    expect(faultsOf(without(given, 'STRIPE_WEBHOOK_SECRETS'))).toEqual([
      "STRIPE_WEBHOOK_SECRETS_FILE names '/nowhere', which cannot be read.",
    ])
  })
})

describe('A setting given twice', () => {
  for (const { name, formerly } of Object.values(options)) {
    for (const each of [name, ...formerly]) {
      test(`${each} and ${each}_FILE are one fault, and neither value is taken`, async () => {
        await using folder = await temporaryFolder()
        await Bun.write(folder.file('value'), 'any')
        const given = { [each]: 'any', [`${each}_FILE`]: folder.file('value') }
        const faults = faultsOf({ NODE_ENV: 'test', ...given })
        expect(faults.filter((fault) => fault.includes(each))).toEqual([
          `${each} and ${each}_FILE are both given: give one of them.`,
        ])
      })
    }
  }
})

describe('What production needs', () => {
  test.each(['JWT_SECRET', 'GEMINI_API_KEY', 'OTP_DELIVERY'])('is named: %s', (name) => {
    const faults = faultsOf(without(production, name))
    expect(faults).toHaveLength(1)
    expect(faults[0]).toStartWith(`${name} is missing`)
    expect(faultsOf(without({ ...production, NODE_ENV: 'development' }, name))).toEqual([])
  })

  test('holds also where NODE_ENV is not given', () => {
    expect(faultsOf({}).map((fault) => fault.split(' ')[0])).toEqual([
      'JWT_SECRET',
      'OTP_DELIVERY',
      'GEMINI_API_KEY',
    ])
  })
})
