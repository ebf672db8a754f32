import { expect, test } from 'bun:test'
import { ConfigError, parseConfig } from '#src/config/config.ts'
import { temporaryFolder } from '#test/support/folder.ts'

function faultsOf(environment: Record<string, string>): string {
  try {
    parseConfig({ NODE_ENV: 'test', ...environment })
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

test('a half-configured Stripe is told beside what else is wrong', () => {
  const faults = faultsOf({ STRIPE_SECRET_KEY: 'sk_test_1', PORT: 'many' })
  expect(faults).toContain('PORT cannot be')
  expect(faults).toContain('Stripe is half configured')
})

test.each([
  ['too short', Buffer.alloc(23).toString('base64')],
  ['no base64', 'not a secret, just thirty-odd letters'],
  ['too short behind its prefix', `whsec_${Buffer.alloc(16).toString('base64')}`],
])('a webhook secret that is %s is refused and not shown', (_how, secret) => {
  const faults = faultsOf({ OTP_WEBHOOK_SECRET: secret })
  expect(faults).toContain('OTP_WEBHOOK_SECRET cannot be what was given (not shown)')
  expect(faults).toContain('base64 of at least 24 bytes')
})

test('a webhook secret of 24 bytes is taken, with or without prefix and padding', () => {
  const secret = Buffer.alloc(25, 7).toString('base64')
  for (const given of [secret, `whsec_${secret}`, secret.replace(/=+$/, '')]) {
    expect(faultsOf({ OTP_WEBHOOK_SECRET: given })).toBe('')
  }
})

test('a default country that is none is refused', () => {
  for (const given of ['ZZ', 'Germany']) {
    expect(faultsOf({ DEFAULT_COUNTRY: given })).toContain('DEFAULT_COUNTRY')
  }
  expect(faultsOf({ DEFAULT_COUNTRY: 'DE' })).toBe('')
})

test('an empty file of a setting is a setting not given', async () => {
  await using folder = await temporaryFolder()
  await Bun.write(folder.file('empty'), '\n')
  const { config } = parseConfig({
    NODE_ENV: 'test',
    JWT_SECRET_PREVIOUS_FILE: folder.file('empty'),
  })
  expect(config.jwtSecretPrevious).toBeUndefined()
})
