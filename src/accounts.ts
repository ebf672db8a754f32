import { availableParallelism } from 'node:os'
import type { Config } from './config/config.ts'
import type { Deps } from './deps.ts'
import { deriveKey } from './lib/keys.ts'
import { preferredLanguage } from './lib/languages.ts'
import type { Maintenance } from './lib/maintenance.ts'
import { noMeters } from './lib/meters.ts'
import type { Cursors } from './lib/page.ts'
import { createSealer } from './lib/seal.ts'
import { DAY } from './lib/time.ts'
import { createCodes } from './modules/auth/codes.ts'
import { createHashGate } from './modules/auth/hash-gate.ts'
import { createLimits } from './modules/auth/limits.ts'
import { createNumberDigests, type NumberDigests } from './modules/auth/number-digest.ts'
import { createOtp } from './modules/auth/otp.ts'
import { createPasswords } from './modules/auth/passwords.ts'
import { pruneAccounts } from './modules/auth/prune.ts'
import { createReproof } from './modules/auth/reproof.ts'
import { createAccounts } from './modules/auth/service.ts'
import { createSessions } from './modules/auth/sessions.ts'
import type { AccessTokens } from './modules/auth/tokens.ts'
import type { Quotas } from './modules/quota/service.ts'
import { createLogGateway, type SmsGateway } from './modules/sms/gateway.ts'
import { sendSms, smsJob } from './modules/sms/jobs.ts'
import { smsLanguages } from './modules/sms/texts.ts'
import { createTwilio } from './modules/sms/twilio.ts'
import { createWebhook } from './modules/sms/webhook.ts'
import type { OnRemoved } from './modules/users/commands.ts'
import { eraseUser } from './modules/users/jobs.ts'
import { createUsers } from './modules/users/service.ts'
import { createOrigins } from './plugins/origin.ts'
import type { Queue } from './queue/queue.ts'

/** Builds signing up, logging in and the user's own record. */
export function createAccountServices({
  deps,
  queue,
  quotas,
  tokens,
  cursors,
  onRemoved,
}: {
  deps: Deps
  queue: Queue
  quotas: Quotas
  tokens: AccessTokens
  cursors: Cursors
  onRemoved: readonly OnRemoved[]
}) {
  const { config, database, clock, random, log } = deps
  const meters = deps.meters ?? noMeters
  const sealer = createSealer(keysFor('sms', deps), random.bytes)
  const codes = createCodes(keysFor('otp', deps), random.int)
  const gateway = gatewayOf(deps)
  queue.register(
    sendSms({
      database,
      sealer,
      gateway,
      clock,
      log,
      meters,
      sender: config.smsSender,
    }),
  )
  const limits = createLimits(
    {
      perIpMinute: config.authPerIpMinute,
      codesPerIpHour: config.otpPerIpHour,
      codesPerNumberDay: config.otpPerNumberDay,
      codesPerHour: config.smsHourlyBudget,
    },
    deriveKey(config.jwtSecret, 'limits'),
  )
  const otp = createOtp({
    database,
    codes,
    sealer,
    limits,
    clock,
    random,
    defaultCountry: config.defaultCountry,
    countries: config.smsCountries,
    deliveryJob: config.otpDelivery === 'response' ? undefined : smsJob,
    language: (header) => preferredLanguage(header, smsLanguages),
    meters,
  })
  const sessions = createSessions({
    database,
    tokens,
    limits,
    clock,
    random,
    cursors,
    keys: keysFor('refresh', deps),
    refreshTtlDays: config.refreshTtlDays,
    sessionMaxDays: config.sessionMaxDays,
    most: config.sessionsPerUser,
  })
  const passwords = createPasswords(
    { memoryKib: config.argon2MemoryKib, passes: config.argon2Passes },
    // One core stays free for everything else.
    createHashGate({ running: Math.max(1, Math.min(4, availableParallelism() - 1)) }),
    random.bytes,
  )
  const accountDeps = {
    database,
    otp,
    passwords,
    sessions,
    limits,
    numberDigests: numberDigestsOf(config),
    clock,
    random,
  }
  const accounts = createAccounts(accountDeps)
  const reproof = createReproof(accountDeps)
  queue.register(eraseUser({ database, clock }))
  const users = createUsers({
    database,
    queue,
    onRemoved,
    clock,
    quotas,
    prove: reproof.proveForDeletion,
    exportLimit: limits.export,
  })
  const maintenance: Maintenance[] = [
    ...users.maintenance,
    {
      name: 'forget spent codes, tokens, limits and old audit entries',
      pattern: '35 * * * *',
      run: () =>
        database.run(pruneAccounts, {
          now: clock.now(),
          refreshTtlMs: config.refreshTtlDays * DAY,
          auditKeptMs: config.auditRetentionDays * DAY,
        }),
    },
  ]
  const origins = createOrigins({ trustedProxies: config.trustedProxies })
  return { accounts, reproof, sessions, users, origins, maintenance }
}

/** What the limits and quotas of a user are counted by, see {@link NumberDigests}. */
export function numberDigestsOf(config: Config): NumberDigests {
  return createNumberDigests(keysFor('number', { config }))
}

/** Of the present secret, then of the one before, so that codes and sessions outlive a change of the secret. */
function keysFor(purpose: string, { config }: Pick<Deps, 'config'>): [Uint8Array, ...Uint8Array[]] {
  const { jwtSecret, jwtSecretPrevious } = config
  const present = deriveKey(jwtSecret, purpose)
  if (jwtSecretPrevious === undefined) return [present]
  return [present, deriveKey(jwtSecretPrevious, purpose)]
}

function gatewayOf({ config, log, clock }: Deps): SmsGateway {
  const { twilioAccountSid, twilioAuthToken, twilioFrom, twilioBaseUrl } = config
  if (config.otpDelivery === 'twilio' && twilioAccountSid && twilioAuthToken && twilioFrom) {
    return createTwilio({
      accountSid: twilioAccountSid,
      authToken: twilioAuthToken,
      from: twilioFrom,
      baseUrl: twilioBaseUrl,
    })
  }
  const { otpWebhookUrl, otpWebhookSecret } = config
  if (config.otpDelivery === 'webhook' && otpWebhookUrl && otpWebhookSecret) {
    return createWebhook({ url: otpWebhookUrl, secret: otpWebhookSecret, clock })
  }
  return createLogGateway(log)
}
