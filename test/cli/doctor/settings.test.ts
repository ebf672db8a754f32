import { expect, test } from 'bun:test'
import { misspeltFindings, settingsFindings } from '#src/cli/doctor/settings.ts'
import { parseConfig } from '#src/config/config.ts'

/** A production that has nothing wrong with it. */
const sound = {
  JWT_SECRET: 'b3JkZXItb2YtbWFnbml0dWRlLXNlY3JldC1mb3ItdGVzdHM',
  GEMINI_API_KEY: 'key',
  OTP_DELIVERY: 'webhook',
  OTP_WEBHOOK_URL: 'https://sms.example.com/send',
  OTP_WEBHOOK_SECRET: 'YS1zZWNyZXQtdGhhdC1pcy1sb25nLWVub3VnaC10by1zaWdu',
  PUBLIC_URL: 'https://chat.example.com',
  TRUSTED_PROXIES: '172.30.0.2',
  METRICS_TOKEN: 'a-token-that-is-long-enough',
}

function checks(environment: Record<string, string>): string[] {
  return settingsFindings(parseConfig({ ...sound, ...environment }).config).map(
    ({ level, check }) => `${level} ${check}`,
  )
}

test('sound settings of production have nothing wrong', () => {
  expect(checks({})).toEqual([])
})

test.each([
  [{ NODE_ENV: 'development' }, 'warning environment'],
  [{ NODE_ENV: 'test', JWT_SECRET: 'a'.repeat(40) }, 'warning jwt-secret'],
  [{ METRICS_PORT: '9100', METRICS_TOKEN: '', METRICS_HOST: '0.0.0.0' }, 'error metrics-host'],
  [{ METRICS_PORT: '9100', METRICS_TOKEN: '', METRICS_HOST: '::' }, 'error metrics-host'],
  [{ METRICS_PORT: '9100', METRICS_TOKEN: '', METRICS_HOST: '10.0.0.2' }, 'warning metrics-host'],
  [{ JWT_SECRET_PREVIOUS: sound.JWT_SECRET }, 'warning jwt-previous'],
  [{ PUBLIC_URL: 'http://localhost:3000' }, 'warning public-url'],
  [{ PUBLIC_URL: 'http://chat.example.com' }, 'warning public-url'],
  [{ TRUSTED_PROXIES: '' }, 'warning trusted-proxies'],
  [{ TRUSTED_PROXIES: '0.0.0.0/0' }, 'error trusted-proxies'],
  [{ OTP_DELIVERY: 'log' }, 'error otp-delivery'],
  [{ METRICS_TOKEN: 'short' }, 'warning metrics-token'],
  [{ METRICS_PORT: '3000' }, 'error metrics-port'],
  [{ GEMINI_BASE_URL: 'http://10.0.0.1' }, 'warning gemini-url'],
  [{ BASIC_DAILY_PROMPTS: '0' }, 'warning basic-quota'],
  [{ LOG_LEVEL: 'debug' }, 'warning log-level'],
  [{ LOG_LEVEL: 'silent' }, 'warning log-level'],
])('%p is found: %s', (environment, finding) => {
  expect(checks(environment as unknown as Record<string, string>)).toContain(finding)
})

test('a good list of origins is not complained of', () => {
  expect(checks({ CORS_ORIGINS: 'https://app.example.com,http://localhost:5173' })).toEqual([])
})

test('a misspelt setting is named; others’ are none of our concern', () => {
  const others = { PATH: '/bin', LOGNAME: 'me', NODE_OPTIONS: '', SESSION_MANAGER: 'x' }
  const ours = { GEMINI_APIKEY: 'x', JWT_SECRET_FILE: '/x', BACKUP_DAYS: '7', DRAIN_SECOND: '9' }
  const environment = { ...others, ...ours, PUBLIC_URI: 'https://a.example', LOG_LEVELS: 'info' }
  const told = misspeltFindings(environment).map(({ check, what }) => [check, what.split(' ')[0]])
  expect(told).toEqual([
    ['misspelt', 'GEMINI_APIKEY'],
    ['misspelt', 'BACKUP_DAYS'],
    ['misspelt', 'DRAIN_SECOND'],
    ['misspelt', 'PUBLIC_URI'],
    ['misspelt', 'LOG_LEVELS'],
  ])
})
