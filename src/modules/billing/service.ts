import type { SyncTx } from '#src/database/command.ts'
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
import { createCountTiers } from './count-tiers.ts'
import { createEnqueueSync } from './enqueue-sync.ts'
import { createEntitlements } from './entitlement.ts'
import { billingUnavailable, createGuard } from './fault.ts'
import { registerJobs } from './jobs.ts'
import type { CheckoutPage, PlanList, PortalPage } from './model.ts'
import { createPlans } from './plans.ts'
import { createReconcile, EVENTS_KEPT_MS } from './reconcile.ts'
import { type BillingSettings, isLiveKey } from './settings.ts'
import { createSingleFlight } from './single-flight.ts'
import { createBillingStore } from './store.sqlite.ts'
import { createStatus, createSubscription, type Status } from './subscription.ts'
import { createReadCustomer } from './sync.ts'
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

/** What needs Stripe. */
interface Provider {
  subscribe(userId: string): Promise<CheckoutPage>
  takeDelivery(signature: string | null, body: () => Promise<Uint8Array>): Promise<void>
  cancel(userId: string): Promise<void>
  resume(userId: string): Promise<void>
  sync(userId: string): Promise<void>
  portal(userId: string): Promise<PortalPage>
  plans(): Promise<PlanList>
}

/** Subscriptions by Stripe, and the tier that follows from them. Registers its job kinds. */
export function createBilling(deps: BillingDeps) {
  const { database, queue, clock, random, settings, graceDays } = deps
  const proPrices = settings?.proPrices ?? []
  const livemode = isLiveKey(settings?.secretKey ?? '')
  const enqueueSync = createEnqueueSync(queue)
  const rules = { proPrices, livemode, graceDays }
  const entitlements = createEntitlements({ database, enqueueSync, rules })
  const store = createBillingStore({
    database,
    queue,
    random,
    entitlements,
    enqueueSync,
    livemode,
    proPrices,
  })
  const stripe = settings && createProvider(deps, settings, livemode, store)

  function provider(): Provider {
    if (stripe) return stripe
    throw billingUnavailable('This server sells no subscriptions.', 3_600)
  }

  async function reconcile(): Promise<void> {
    if (stripe) await store.enqueueReconcile()
  }

  return {
    entitlements,
    /** How many users have which tier now. */
    countTiers: createCountTiers({ database, entitlements, clock, livemode }),
    status: createStatus({ store, entitlements, clock }) as (userId: string) => Promise<Status>,
    provider,
    /** Asks, at start and nightly, for everything that was missed to be made up for. */
    reconcile,
    /** In the transaction that deletes an account, before its user goes. */
    onDeleted(tx: SyncTx, userId: string): void {
      tx.run(store.commands.closeAccount, { userId })
    },
    maintenance: [
      { name: 'reconcile with Stripe', pattern: '17 3 * * *', run: reconcile },
      {
        name: 'prune old Stripe events',
        pattern: '47 3 * * *',
        run: () => store.prune({ before: clock.now() - EVENTS_KEPT_MS, now: clock.now() }),
      },
    ] satisfies Maintenance[],
  }
}

function createProvider(
  deps: BillingDeps,
  settings: BillingSettings,
  livemode: boolean,
  store: ReturnType<typeof createBillingStore>,
): Provider {
  const { queue, clock, log, basicDailyPrompts } = deps
  const { proPrices, webhookSecrets } = settings
  const meters = deps.meters ?? noMeters
  const raise = createAlarms({ log, clock, meters })
  const stripe = createStripe(settings, meters, clock)
  const read = createReadCustomer({ stripe, store, clock, proPrices, livemode })
  const reconcile = createReconcile({ stripe, store, clock })
  registerJobs({ queue, stripe, store, read, reconcile, raise })
  const guard = createGuard(raise)
  const singleFlight = createSingleFlight({ store, clock })
  const shared = { stripe, store, read, guard, singleFlight, clock, settings }
  const checkout = createCheckout({ ...shared, livemode })
  return {
    async subscribe(userId) {
      const { url, expiresAt } = await checkout(userId)
      return { url, expiresAt: toInstant(expiresAt) }
    },
    takeDelivery: createTakeDelivery({
      stripe,
      secrets: webhookSecrets,
      store,
      clock,
      raise,
      meters,
    }),
    plans: createPlans({ stripe, guard, clock, priceId: proPrices[0] ?? '', basicDailyPrompts }),
    ...createSubscription(shared),
  }
}
