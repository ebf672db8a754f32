import { accountOptions } from './account-options.ts'
import { geminiOptions } from './gemini-options.ts'
import {
  flag,
  headerValue,
  integer,
  list,
  oneOf,
  optionalText,
  optionalUrl,
  sqliteFile,
  text,
  url,
} from './option.ts'
import { usageOptions } from './usage-options.ts'

/** Every setting. `.env.example` and docs/configuration.md are held to this list by a test. */
export const options = {
  ...accountOptions,
  ...geminiOptions,
  nodeEnv: oneOf('NODE_ENV', ['production', 'development', 'test'], {
    describe: 'production, unless told otherwise; development starts stand-ins for missing keys',
    default: 'production',
  }),
  host: text('HOST', {
    describe: 'Address to listen on',
    default: '0.0.0.0',
    development: '127.0.0.1',
  }),
  port: integer('PORT', {
    describe: 'Port to listen on',
    min: 0,
    max: 65_535,
    default: 3_000,
    formerly: ['SERVER_PORT'],
  }),
  developmentHosts: list('DEVELOPMENT_HOSTS', {
    describe:
      'Host names that a server in development answers to, besides localhost, addresses and the name in PUBLIC_URL',
    default: [],
  }),
  databasePath: sqliteFile('DATABASE_URL', {
    describe: 'The SQLite file',
    default: './data/pollux.db',
  }),
  writerThread: oneOf('WRITER_THREAD', ['always', 'never'], {
    describe:
      'Whether the server commits on a thread of its own, which takes 13 MB, so that a slow disk holds up no reader',
    default: 'always',
  }),
  logLevel: oneOf('LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], {
    describe: 'Least severe log line to write',
    default: 'info',
  }),
  publicUrl: url('PUBLIC_URL', {
    describe: 'Where clients reach this server, for links',
    default: 'http://localhost:3000',
  }),

  searchesPerMinute: integer('SEARCHES_PER_MINUTE', {
    describe: 'Most searches of one user in a minute',
    min: 1,
    max: 1_000_000,
    default: 60,
  }),
  ...usageOptions,

  stripeSecretKey: optionalText(
    'STRIPE_SECRET_KEY',
    { describe: 'Key of the Stripe API', secret: true },
    headerValue,
  ),
  stripeWebhookSecrets: list('STRIPE_WEBHOOK_SECRETS', {
    describe: 'Signing secrets of the webhook endpoint, more than one while rotating',
    secret: true,
    default: [],
    formerly: ['STRIPE_WEBHOOK_SIGNING_SECRET'],
  }),
  stripeProPrices: list('STRIPE_PRO_PRICES', {
    describe: 'Prices that make a user Pro; the first is sold',
    default: [],
    formerly: ['PRO_PRICE_ID'],
  }),
  stripeApiBase: optionalUrl('STRIPE_API_BASE', { describe: 'Another address of the Stripe API' }),
  stripeTimeoutMs: integer('STRIPE_TIMEOUT_MS', {
    describe: 'Longest wait for an answer of Stripe, milliseconds',
    min: 50,
    max: 80_000,
    default: 10_000,
  }),
  stripeSuccessUrl: optionalUrl('STRIPE_SUCCESS_URL', {
    describe: 'Where Stripe sends a person who paid; a plain page of ours when left out',
  }),
  stripeCancelUrl: optionalUrl('STRIPE_CANCEL_URL', {
    describe: 'Where Stripe sends a person who turned back; a plain page of ours when left out',
  }),
  stripePortalReturnUrl: optionalUrl('STRIPE_PORTAL_RETURN_URL', {
    describe: 'Where the customer portal leads back to; a plain page of ours when left out',
  }),
  stripePromotionCodes: flag('STRIPE_PROMOTION_CODES', {
    describe: 'Whether the checkout asks for a promotion code',
    default: false,
  }),
  stripeAutomaticTax: flag('STRIPE_AUTOMATIC_TAX', {
    describe: 'Whether Stripe computes the tax; set it up there first',
    default: false,
  }),
  billingPerUserMinute: integer('BILLING_PER_USER_MINUTE', {
    describe:
      'Most requests of one user in a minute that call Stripe: checkout, portal, cancel, resume, sync',
    min: 1,
    max: 10_000_000,
    default: 30,
  }),
  billingPerUserDay: integer('BILLING_PER_USER_DAY', {
    describe: 'Most such requests of one user in a day',
    min: 1,
    max: 10_000_000,
    default: 200,
  }),
  graceDays: integer('GRACE_DAYS', {
    describe: 'How long a failed renewal is forgiven, days',
    min: 0,
    max: 60,
    default: 3,
  }),

  requestsPerUser: integer('REQUESTS_PER_USER', {
    describe:
      'Requests of one user that are answered at the same time; each 64 KB of an answer that its client has not read counts as one',
    min: 8,
    max: 10_000,
    default: 64,
  }),
  streamsPerUser: integer('STREAMS_PER_USER', {
    describe: 'Event streams that one user may have open; a further one is refused',
    min: 1,
    max: 10_000,
    default: 10,
  }),

  workerConcurrency: integer('WORKER_CONCURRENCY', {
    describe: 'Replies in the making at once',
    min: 1,
    max: 1_000,
    default: 16,
  }),
  drainSeconds: integer('DRAIN_SECONDS', {
    describe: 'How long running replies may finish after SIGTERM, seconds',
    min: 0,
    max: 3_600,
    default: 20,
  }),
  metricsToken: optionalText(
    'METRICS_TOKEN',
    {
      describe: 'Who shows it as a bearer token may read GET /metrics; without it the API has none',
      secret: true,
    },
    headerValue,
  ),
  metricsHost: optionalText('METRICS_HOST', {
    describe:
      'Address of METRICS_PORT; when left out, HOST with METRICS_TOKEN and 127.0.0.1 without it',
  }),
  metricsPort: integer('METRICS_PORT', {
    describe: 'A separate port for GET /metrics, for a private network; 0 opens none',
    min: 0,
    max: 65_535,
    default: 0,
  }),
  backupDir: optionalText('BACKUP_DIR', {
    describe: 'Where the nightly backup goes, and the one before an upgrade of the database',
  }),
  backupKeep: integer('BACKUP_KEEP', {
    describe: 'How many nightly backups are kept',
    min: 1,
    max: 1_000,
    default: 7,
  }),
  jobRetentionDays: integer('JOB_RETENTION_DAYS', {
    describe: 'How long ended jobs are kept, days',
    min: 1,
    max: 365,
    default: 7,
  }),
}
