import { and, asc, desc, eq, gt, isNull, or, sql } from 'drizzle-orm'
import {
  billingCustomers,
  checkoutSessions,
  stripeCursors,
  subscriptions,
  users,
} from '#drizzle/schema.ts'
import { syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { lazy } from '#src/lib/lazy.ts'
import type { Random } from '#src/lib/random.ts'
import type { Queue } from '#src/queue/queue.ts'
import { createApplySync } from './apply-sync.ts'
import { claimAttempt, claimFlight, endAttempt, endFlight, pruneAttempts } from './attempts.ts'
import { addCustomer, createAddCheckout, keepPortal } from './checkout-commands.ts'
import { createCloseAccount, enqueueClose } from './close.ts'
import type { EnqueueSync } from './enqueue-sync.ts'
import type { Entitlements } from './entitlement.ts'
import { createRecordEvents, pruneEvents } from './events.ts'
import { RECONCILE } from './reconcile.ts'
import type { BillingStore } from './store.ts'

export interface BillingStoreDeps {
  database: Database
  queue: Queue
  random: Random
  entitlements: Entitlements
  enqueueSync: EnqueueSync
  livemode: boolean
  proPrices: readonly string[]
}

const { placeholder } = sql

export function createBillingStore(deps: BillingStoreDeps): BillingStore {
  const { database, queue, random, entitlements, enqueueSync, livemode, proPrices } = deps
  const { orm } = database

  const commands = {
    applySync: createApplySync({
      entitlements,
      proPrices,
      close: (tx, customerId) => enqueueClose(queue, tx, customerId),
    }),
    closeAccount: createCloseAccount(queue),
  }
  const recordEvents = createRecordEvents({ livemode, enqueueSync })
  const addCheckout = createAddCheckout(queue)

  const phoneOf = lazy(() =>
    orm
      .select({ phone: users.phone })
      .from(users)
      .where(eq(users.id, placeholder('userId')))
      .prepare(),
  )

  // Uses billing_customers_of_user.
  const customerOf = lazy(() =>
    orm
      .select({
        id: billingCustomers.id,
        userId: billingCustomers.userId,
        url: billingCustomers.portalUrl,
        until: billingCustomers.portalUntil,
      })
      .from(billingCustomers)
      .where(
        and(
          eq(billingCustomers.userId, placeholder('userId')),
          eq(billingCustomers.livemode, livemode),
          isNull(billingCustomers.goneAt),
        ),
      )
      .prepare(),
  )

  const openSessionsOf = lazy(() =>
    orm
      .select({
        id: checkoutSessions.id,
        url: checkoutSessions.url,
        expiresAt: checkoutSessions.expiresAt,
      })
      .from(checkoutSessions)
      .where(
        and(
          eq(checkoutSessions.customerId, placeholder('customerId')),
          eq(checkoutSessions.status, 'open'),
        ),
      )
      .orderBy(desc(checkoutSessions.createdAt))
      .prepare(),
  )

  const setEventsUntil = syncCommand('billing.set-events-until', (connection) => {
    return (_tx, { until }: { until: number }): void => {
      connection.orm
        .insert(stripeCursors)
        .values({ livemode, eventsUntil: until })
        .onConflictDoUpdate({ target: stripeCursors.livemode, set: { eventsUntil: until } })
        .run()
    }
  })

  const enqueueSyncs = syncCommand('billing.enqueue-syncs', (connection) => {
    return (tx, { after, limit }: { after: string; limit: number }): string[] => {
      const ids = connection.orm
        .selectDistinct({ id: billingCustomers.id })
        .from(billingCustomers)
        .leftJoin(subscriptions, eq(subscriptions.customerId, billingCustomers.id))
        .leftJoin(checkoutSessions, eq(checkoutSessions.customerId, billingCustomers.id))
        .where(
          and(
            gt(billingCustomers.id, after),
            eq(billingCustomers.livemode, livemode),
            isNull(billingCustomers.goneAt),
            or(
              sql`${subscriptions.status} NOT IN ('canceled', 'incomplete_expired')`,
              eq(checkoutSessions.status, 'open'),
            ),
          ),
        )
        .orderBy(asc(billingCustomers.id))
        .limit(limit)
        .all()
        .map(({ id }) => id)
      for (const customerId of ids) tx.run(enqueueSync, { customerId, why: 'reconcile' })
      return ids
    }
  })

  const enqueueReconcile = syncCommand('billing.enqueue-reconcile', () => (tx): void => {
    queue.enqueue(tx, { kind: RECONCILE, body: {}, dedupeKey: RECONCILE })
  })

  return {
    commands,
    phoneOf: (userId) => phoneOf().get({ userId })?.phone,
    async customerOf(userId) {
      const found = customerOf().get({ userId })
      if (!found) return undefined
      const { url, until, ...customer } = found
      return { ...customer, portal: url === null || until === null ? null : { url, until } }
    },
    subscriptionsOf: async (customerId) =>
      orm
        .select()
        .from(subscriptions)
        .where(eq(subscriptions.customerId, customerId))
        .orderBy(desc(subscriptions.createdAt), desc(subscriptions.id))
        .all(),
    openSessions: async (customerId) =>
      openSessionsOf()
        .all({ customerId })
        .map(({ id }) => id),
    openCheckout: async ({ customerId, now, leastMs }) =>
      openSessionsOf()
        .all({ customerId })
        .find(({ expiresAt }) => expiresAt >= now + leastMs),
    claimAttempt: ({ scope, now }) =>
      database.execute(claimAttempt, { scope, key: random.id(now), now }),
    dropAttempt: (scope) => database.execute(endAttempt, { scope }),
    claimFlight: ({ userId, now }) =>
      database.execute(claimFlight, { userId, key: random.id(now), now }),
    endFlight: (flight) => database.execute(endFlight, flight),
    keepPortal: (input) => database.execute(keepPortal, input),
    addCustomer: (input) => database.execute(addCustomer, { ...input, livemode }),
    addCheckout: (input) => database.execute(addCheckout, input),
    applySync: (snapshot) => database.execute(commands.applySync, snapshot),
    recordEvents: (input) => database.execute(recordEvents, input),
    eventsUntil: async () =>
      orm.select().from(stripeCursors).where(eq(stripeCursors.livemode, livemode)).get()
        ?.eventsUntil,
    setEventsUntil: (until) => database.execute(setEventsUntil, { until }),
    enqueueSyncs: (input) => database.execute(enqueueSyncs, input),
    enqueueReconcile: () => database.execute(enqueueReconcile, {}),
    async prune({ before, now }) {
      await database.execute(pruneAttempts, { now })
      return database.execute(pruneEvents, { before })
    },
  }
}
