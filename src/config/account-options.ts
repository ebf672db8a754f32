import { isAddressRange } from '#src/lib/address.ts'
import { toCountry } from '#src/lib/phone.ts'
import {
  headerValue,
  integer,
  list,
  oneOf,
  optionalText,
  optionalUrl,
  text,
  url,
} from './option.ts'

const country = {
  allowed: 'ISO 3166 country codes such as DE, separated by commas',
  test: (code: string) => toCountry(code) !== undefined,
}
/** As https://www.standardwebhooks.com asks for. */
const signingKey = {
  allowed: 'base64 of at least 24 bytes',
  test(given: string) {
    const base64 = given.replace(/^whsec_/, '')
    const key = Buffer.from(base64, 'base64')
    const isWhole = key.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '')
    return isWhole && key.length >= 24
  },
}
const origin = {
  allowed: 'origins as browsers send them, such as https://app.example.com, separated by commas',
  // No path, no trailing slash, no `*`.
  test: (given: string) => URL.parse(given)?.origin === given,
}
const range = {
  allowed: 'IP addresses or CIDR ranges, separated by commas',
  test: isAddressRange,
}
/** The settings of accounts: logging in, codes and their delivery, passwords, sessions, who may ask. */
export const accountOptions = {
  jwtSecret: text('JWT_SECRET', {
    describe:
      'Signs access tokens; the keys for codes, refresh tokens and cursors are derived from it',
    secret: true,
    minBytes: 32,
    development: 'development-secret-development-secret',
    formerly: ['JWT_SECRET_KEY'],
  }),
  jwtSecretPrevious: optionalText('JWT_SECRET_PREVIOUS', {
    describe: 'Still verifies, so that keys rotate without logging people out',
    secret: true,
    minBytes: 32,
  }),
  accessTtlMinutes: integer('ACCESS_TTL_MINUTES', {
    describe: 'Life of an access token, minutes',
    min: 1,
    max: 1_440,
    default: 20,
  }),
  refreshTtlDays: integer('REFRESH_TTL_DAYS', {
    describe: 'How long a session lives without being used, days',
    min: 1,
    max: 365,
    default: 30,
  }),
  sessionMaxDays: integer('SESSION_MAX_DAYS', {
    describe: 'How long a session lives at most, however much it is used, days',
    min: 1,
    max: 3_650,
    default: 365,
  }),
  sessionsPerUser: integer('SESSIONS_PER_USER', {
    describe: 'Sessions that one user may have at a time; one more login ends the oldest',
    min: 1,
    max: 1_000,
    default: 20,
  }),

  otpDelivery: oneOf('OTP_DELIVERY', ['response', 'log', 'twilio', 'webhook'], {
    describe:
      'How a one-time code reaches its owner; response (the code is in the answer) is for development',
    development: 'response',
  }),
  defaultCountry: optionalText(
    'DEFAULT_COUNTRY',
    { describe: 'ISO 3166 country of phone numbers given without one' },
    { ...country, allowed: 'an ISO 3166 country code such as DE' },
  ),
  smsCountries: list(
    'SMS_COUNTRIES',
    { describe: 'Countries whose numbers may sign up; all when empty', default: [] },
    country,
  ),
  smsHourlyBudget: integer('SMS_HOURLY_BUDGET', {
    describe: 'Most codes sent in an hour, of everybody together',
    min: 1,
    max: 10_000_000,
    default: 1_000,
  }),
  smsSender: text('SMS_SENDER', {
    describe: 'The name of the service in the text of a code',
    kind: 'line',
    default: 'Pollux',
  }),
  otpPerIpHour: integer('OTP_PER_IP_HOUR', {
    describe: 'Most codes, and most sign-ups, of one address (IPv6: /64) in an hour',
    min: 1,
    max: 10_000_000,
    default: 20,
  }),
  otpPerNumberDay: integer('OTP_PER_NUMBER_DAY', {
    describe: 'Most codes for one number in a day',
    min: 1,
    max: 10_000_000,
    default: 10,
  }),
  authPerIpMinute: integer('AUTH_PER_IP_MINUTE', {
    describe:
      'Most sign-up, login, refresh and reset requests of one address (IPv6: /64) in a minute',
    min: 1,
    max: 10_000_000,
    default: 120,
  }),
  twilioAccountSid: optionalText('TWILIO_ACCOUNT_SID', { describe: 'Twilio account, AC…' }),
  twilioAuthToken: optionalText(
    'TWILIO_AUTH_TOKEN',
    { describe: 'Its auth token', secret: true },
    headerValue,
  ),
  twilioFrom: optionalText('TWILIO_FROM', {
    describe: 'Who the SMS comes from: a number of yours, or a messaging service, MG…',
  }),
  twilioBaseUrl: url('TWILIO_BASE_URL', {
    describe: 'Address of the Twilio API',
    default: 'https://api.twilio.com',
  }),
  otpWebhookUrl: optionalUrl('OTP_WEBHOOK_URL', {
    describe: 'Where codes are POSTed, for any other gateway (standardwebhooks.com)',
  }),
  otpWebhookSecret: optionalText(
    'OTP_WEBHOOK_SECRET',
    {
      describe:
        'Signs those posts, with or without the prefix whsec_; openssl rand -base64 32 makes one',
      secret: true,
    },
    signingKey,
  ),

  argon2MemoryKib: integer('ARGON2_MEMORY_KIB', {
    describe: 'Memory of one password hash, KiB',
    min: 19_456,
    max: 4_194_304,
    default: 19_456,
  }),
  argon2Passes: integer('ARGON2_PASSES', {
    describe: 'Passes of one password hash',
    min: 2,
    max: 100,
    default: 2,
  }),

  auditRetentionDays: integer('AUDIT_RETENTION_DAYS', {
    describe: 'How long the audit log is kept, days',
    min: 90,
    max: 3_650,
    default: 365,
  }),
  corsOrigins: list(
    'CORS_ORIGINS',
    { describe: 'Origins whose pages may call the API', default: [] },
    origin,
  ),
  trustedProxies: list(
    'TRUSTED_PROXIES',
    { describe: 'Addresses whose X-Forwarded-For is believed', default: [] },
    range,
  ),
}
