import type { Database } from '#src/database/sqlite/open.ts'
import { createAlarms } from '#src/lib/alarm.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import type { Maintenance } from '#src/lib/maintenance.ts'
import { type Meters, noMeters } from '#src/lib/meters.ts'
import type { Random } from '#src/lib/random.ts'
import { toInstant } from '#src/lib/time.ts'
import type { Queue } from '#src/queue/queue.ts'
import { createCheckout } from './checkout.ts'
import { createStripe } from './client.ts'
import { enqueueReconcile, pruneStripe } from './commands.ts'
import { createCountTiers } from './count-tiers.ts'
import { type BillingRules, createTiers } from './entitlement.ts'
import { billingUnavailable, createGuard } from './fault.ts'
import { registerJobs } from './jobs.ts'
import { createPlans } from './plans.ts'
import { createReconcile, EVENTS_KEPT_MS } from './reconcile.ts'
import { type BillingSettings, isLiveKey } from './settings.ts'
import { createSingleFlight } from './single-flight.ts'
import { createStatus, createSubscription } from './subscription.ts'
import { createSync } from './sync.ts'
import { createTakeDelivery } from './webhook.ts'

export interface BillingDeps {
  database: Database
  queue: Queue
  clock: Clock
  random: Random
  log: Log
  meters?: Meters | undefined
  /** Undefined where Stripe is not configured: nobody can subscribe, everything else works. */
  settings: BillingSettings | undefined
  graceDays: number
  basicDailyPrompts: number
}

export type Billing = ReturnType<typeof createBilling>

type Provider = ReturnType<typeof createProvider>

/** Subscriptions by Stripe, and the tier that follows from them. Registers its job kinds. */
export function createBilling(deps: BillingDeps) {
  const { database, clock, settings, graceDays } = deps
  const livemode = isLiveKey(settings?.secretKey ?? '')
  const rules: BillingRules = { proPrices: settings?.proPrices ?? [], livemode, graceDays }
  const stripe = settings && createProvider(deps, settings, rules)

  async function reconcile(): Promise<void> {
    if (stripe) await database.run(enqueueReconcile, { now: clock.now() })
  }

  return {
    tier: createTiers(rules),
    /** How many users have which tier now. */
    countTiers: createCountTiers({ database, rules, clock }),
    status: createStatus({ database, rules, clock }),
    /** What needs Stripe. @throws Problem 503 `billing-unavailable` where it is not configured */
    provider(): Provider {
      if (stripe) return stripe
      throw billingUnavailable('This server sells no subscriptions.', 3_600)
    },
    /** Makes up for missed deliveries, at start and nightly. */
    reconcile,
    maintenance: [
      { name: 'reconcile with Stripe', pattern: '17 3 * * *', run: reconcile },
      {
        name: 'prune old Stripe events',
        pattern: '47 3 * * *',
        run: () => {
          const now = clock.now()
          return database.run(pruneStripe, { before: now - EVENTS_KEPT_MS, now })
        },
      },
    ] satisfies Maintenance[],
  }
}

function createProvider(deps: BillingDeps, settings: BillingSettings, rules: BillingRules) {
  const { database, queue, clock, random, log, basicDailyPrompts } = deps
  const { livemode } = rules
  const { proPrices, webhookSecrets: secrets } = settings
  const meters = deps.meters ?? noMeters
  const raise = createAlarms({ log, clock, meters })
  const stripe = createStripe(settings, meters, clock)
  const { read, refresh } = createSync({ stripe, database, clock, rules })
  const reconcile = createReconcile({ stripe, database, clock, livemode })
  registerJobs({ queue, stripe, read, reconcile, raise, rules })
  const guard = createGuard(raise)
  const singleFlight = createSingleFlight({ database, clock, random })
  const shared = { stripe, database, refresh, guard, singleFlight, clock, settings, livemode }
  const checkout = createCheckout({ ...shared, random })
  return {
    async subscribe(userId: string) {
      const { url, expiresAt } = await checkout(userId)
      return { url, expiresAt: toInstant(expiresAt) }
    },
    takeDelivery: createTakeDelivery({
      stripe,
      secrets,
      database,
      livemode,
      clock,
      raise,
      meters,
    }),
    plans: createPlans({ stripe, guard, clock, priceId: proPrices[0] ?? '', basicDailyPrompts }),
    ...createSubscription(shared),
  }
}
