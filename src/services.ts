import { createAccountServices, numberDigestsOf } from './accounts.ts'
import type { Config } from './config/config.ts'
import { createConversation } from './conversation.ts'
import type { Deps } from './deps.ts'
import { createFairTicks } from './lib/fair-ticks.ts'
import { createInFlight } from './lib/in-flight.ts'
import { deriveKey } from './lib/keys.ts'
import type { Maintenance } from './lib/maintenance.ts'
import { createCursors } from './lib/page.ts'
import { DAY, MINUTE } from './lib/time.ts'
import { createAuthentication } from './modules/auth/authenticate.ts'
import { createTokens } from './modules/auth/tokens.ts'
import { closeAccount } from './modules/billing/commands.ts'
import { createBilling } from './modules/billing/service.ts'
import { billingLimits, billingSettings } from './modules/billing/settings.ts'
import { createRooms } from './modules/chatrooms/service.ts'
import { userLimit } from './modules/limits/limit.ts'
import type { Bounds, Tier } from './modules/quota/model.ts'
import { createQuotas } from './modules/quota/service.ts'
import { createSearch } from './modules/search/service.ts'
import { eraseRoomLater } from './modules/users/erasure.ts'
import { createAuth } from './plugins/auth.ts'
import { createQueue } from './queue/queue.ts'

export type { Deps } from './deps.ts'

/** Far above what a person opens: one account must not fill the disk, or make each list and search long. */
const ROOMS_A_DAY = 2_000

const MEGABYTE = 1_000_000

export type Services = ReturnType<typeof createServices>

/** Builds every store and service and registers every job kind: what the app, the worker and the commands share. */
export function createServices(deps: Deps) {
  const { config, database, clock, random } = deps
  const queue = createQueue({ clock })
  const cursors = createCursors(deriveKey(config.jwtSecret, 'cursor'))
  const tokens = createTokens({
    secret: config.jwtSecret,
    previousSecret: config.jwtSecretPrevious,
    ttlMinutes: config.accessTtlMinutes,
    clock,
    random,
  })
  const billing = createBilling({
    ...deps,
    queue,
    settings: billingSettings(config),
    graceDays: config.graceDays,
    basicDailyPrompts: config.basicDailyPrompts,
  })
  const quotas = createQuotas({
    database,
    clock,
    bounds: boundsOf(config),
    timezone: config.quotaTimezone,
    tier: billing.tier,
    digestNumber: (phone) => numberDigestsOf(config)(phone)[0],
  })
  const { authenticate, isSessionAlive } = createAuthentication({ database, tokens, clock })
  const auth = createAuth(
    authenticate,
    async (principal) => quotas.headers(await quotas.read(principal)),
    createInFlight({ name: 'requests', most: config.requestsPerUser }),
    createFairTicks(),
  )
  const conversation = createConversation({ deps, queue, quotas, cursors, isSessionAlive })
  const rooms = createRooms({
    database,
    cancelPending: conversation.cancelPending,
    setAside: eraseRoomLater,
    quotas,
    clock,
    random,
    cursors,
    models: [config.geminiModel, ...config.geminiModels],
    limitOf: (principal) => userLimit('rooms', principal, ROOMS_A_DAY, DAY),
  })
  const account = createAccountServices({
    deps,
    queue,
    quotas,
    tokens,
    cursors,
    onRemoved: [closeAccount, quotas.leave],
  })
  const search = createSearch({
    database,
    clock,
    cursors,
    limitOf: (principal) => userLimit('searches', principal, config.searchesPerMinute, MINUTE),
  })
  /** What the modules want done by the clock; serve runs it. */
  const maintenance: Maintenance[] = [
    {
      name: 'reset the daily quotas',
      pattern: '0 0 * * *',
      timezone: config.quotaTimezone,
      run: quotas.reset,
    },
    {
      name: 'show the new day to open streams',
      pattern: '0 0 * * *',
      timezone: config.quotaTimezone,
      everywhere: true,
      run: async () => conversation.hub.refreshQuotas(),
    },
    {
      name: 'check a refused key',
      pattern: '*/10 * * * * *',
      everywhere: true,
      run: conversation.provider.checkKey,
    },
    {
      name: 'index messages for search',
      pattern: '* * * * * *',
      everywhere: true,
      run: search.catchUp,
    },
    ...billing.maintenance,
    ...account.maintenance,
  ]
  return {
    queue,
    tokens,
    auth,
    billing,
    billingLimits: billingLimits(config),
    quotas,
    rooms,
    messages: conversation.messages,
    events: conversation.events,
    provider: conversation.provider,
    eventHub: conversation.hub,
    search,
    accounts: account.accounts,
    reproof: account.reproof,
    sessions: account.sessions,
    users: account.users,
    origins: account.origins,
    maintenance,
  }
}

function boundsOf(config: Config): Record<Tier, Bounds> {
  const { basicDailyPrompts: prompts, promptsPerMinute, maxPendingPrompts: pending } = config
  return {
    basic: {
      prompts,
      starts: config.basicDailyStarts ?? 3 * prompts,
      promptsPerMinute,
      pending,
      storedBytes: config.userStorageMb * MEGABYTE,
    },
    pro: {
      prompts: null,
      starts: config.proDailyStarts,
      promptsPerMinute,
      pending,
      storedBytes: config.userStorageMbPro * MEGABYTE,
    },
  }
}
