import { command } from '#src/database/steps.ts'
import { DAY } from '#src/lib/time.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { enqueue, isWaiting } from '#src/queue/enqueue.ts'
import { ATTEMPT_KEPT_MS } from './attempts.ts'
import {
  findCustomer,
  findUser,
  insertCustomer,
  listChangeableCustomers,
  listCustomersOfUser,
  removePortalPages,
  storePortalPage,
} from './statements.ts'
import {
  insertEvent,
  insertSession,
  removeAttempt,
  removeEvents,
  removeExpiredSessions,
  removeOldAttempts,
  storeCursor,
} from './stripe-statements.ts'

export const SYNC = 'billing.sync'
export const CLOSE = 'billing.close'
export const RECONCILE = 'billing.reconcile'

/** A checkout that was not paid is deleted this long after it was made. */
const EXPIRED_KEPT_MS = 30 * DAY

/** All jobs that read or change one customer run one after the other. */
const concurrencyKeyOf = (customerId: string) => `stripe:${customerId}`

interface SyncRequest {
  customerId: string
  /** Only for the log. */
  why: 'event' | 'stale' | 'reconcile'
  now: number
}

/**
 * Enqueues a job that reads one customer's subscriptions from Stripe. A job that waits will see everything that has
 * happened until now, so at most one waits. A job that runs may have read too early, so another one follows it.
 */
export const enqueueSync = command(
  'billing.enqueue-sync',
  function* (tx, { customerId, why, now }: SyncRequest) {
    const concurrencyKey = concurrencyKeyOf(customerId)
    if (yield* isWaiting.steps(tx, { concurrencyKey, kind: SYNC })) return
    const job = { kind: SYNC, concurrencyKey, body: { customerId, why } }
    yield* enqueue.steps(tx, { job, now })
  },
)

/** Enqueues a sync of each customer that can still change, a page at a time; gives the ids of the page. */
export const enqueueSyncs = command(
  'billing.enqueue-syncs',
  function* (
    tx,
    { now, livemode, ...page }: { after: string; limit: number; livemode: boolean; now: number },
  ) {
    const found = yield* tx.all(listChangeableCustomers, { ...page, livemode: Number(livemode) })
    const ids = found.map(({ id }) => id)
    for (const customerId of ids) {
      yield* enqueueSync.steps(tx, { customerId, why: 'reconcile', now })
    }
    return ids
  },
)

export const enqueueReconcile = command(
  'billing.enqueue-reconcile',
  function* (tx, { now }: { now: number }) {
    const job = { kind: RECONCILE, body: {}, dedupeKey: RECONCILE }
    yield* enqueue.steps(tx, { job, now })
  },
)

/** Enqueues a job that expires a customer's open sessions and cancels its subscriptions, however long that takes. */
export const enqueueClose = command(
  'billing.enqueue-close',
  function* (tx, { customerId, now }: { customerId: string; now: number }) {
    const job = {
      kind: CLOSE,
      concurrencyKey: concurrencyKeyOf(customerId),
      body: { customerId },
      dedupeKey: `${CLOSE}:${customerId}`,
    }
    yield* enqueue.steps(tx, { job, now })
  },
)

/** Part of deleting an account; runs before the row of the user is deleted. */
export const closeAccount = command(
  'billing.close-account',
  function* (tx, { userId, now }: { userId: string; now: number }) {
    // Anyone who has the address of such a page can see the invoices.
    yield* tx.run(removePortalPages, { userId })
    const customers = yield* tx.all(listCustomersOfUser, { userId })
    for (const { id } of customers) yield* enqueueClose.steps(tx, { customerId: id, now })
  },
)

interface NewCustomer {
  userId: string
  customerId: string
  livemode: boolean
  scope: string
  now: number
}

/** Stores the customer that Stripe made and ends the attempt. False when the user was deleted meanwhile. */
export const addCustomer = command(
  'billing.add-customer',
  function* (tx, { scope, livemode, ...customer }: NewCustomer) {
    yield* tx.run(removeAttempt, { scope })
    if (!(yield* tx.first(findUser, { userId: customer.userId }))) return false
    yield* tx.run(insertCustomer, { ...customer, livemode: Number(livemode) })
    return true
  },
)

/** A checkout page that is open at Stripe. */
export interface Checkout {
  id: string
  url: string
  expiresAt: number
}

interface NewCheckout {
  customerId: string
  checkout: Checkout
  scope: string
  now: number
}

/**
 * Stores the session that Stripe made and ends the attempt. False when the user was deleted meanwhile; a job then
 * expires the session.
 */
export const addCheckout = command(
  'billing.add-checkout',
  function* (tx, { customerId, checkout, scope, now }: NewCheckout) {
    yield* tx.run(removeAttempt, { scope })
    const customer = yield* tx.first(findCustomer, { customerId })
    if (!customer) return false
    yield* tx.run(insertSession, { ...checkout, customerId, now })
    // So that one customer's checkouts do not grow without end.
    yield* tx.run(removeExpiredSessions, { customerId, before: now - EXPIRED_KEPT_MS })
    if (customer.userId !== null) return true
    yield* enqueueClose.steps(tx, { customerId, now })
    return false
  },
)

/** Stores the last page of the portal: one for each customer, none for a deleted account. */
export const keepPortal = command(
  'billing.keep-portal',
  function* (tx, page: { customerId: string; url: string; until: number }) {
    yield* tx.run(storePortalPage, page)
  },
)

/** An event of Stripe, reduced to what we believe of it: that something happened to a customer. */
export interface StripeEventSeen {
  id: string
  type: string
  customerId: string | null
  livemode: boolean
  createdAt: number
  /** Whether its type concerns the mirror. */
  relevant: boolean
  /** For refunds and disputes: what the operator should see. */
  notice: Record<string, string | number | null> | null
}

interface Delivery {
  events: readonly StripeEventSeen[]
  livemode: boolean
  now: number
}

/** Stores each event once, and in the same commit enqueues the sync of its customer. */
export const recordEvents = command(
  'billing.record-events',
  function* (tx, { events, livemode, now }: Delivery) {
    for (const { id, type, customerId, createdAt, notice, ...event } of events) {
      const customer =
        customerId === null ? undefined : yield* tx.first(findCustomer, { customerId })
      const isOurs = event.livemode === livemode
      const isQueued = isOurs && event.relevant && customer !== undefined
      const state = isQueued ? 'queued' : 'ignored'
      const row = { id, type, customerId, state, createdAt, now }
      if ((yield* tx.run(insertEvent, row)) === 0) continue
      if (isQueued && customerId !== null) {
        yield* enqueueSync.steps(tx, { customerId, why: 'event', now })
      }
      if (isOurs && notice) {
        const userId = customer?.userId ?? null
        const entry = { at: now, event: `billing.${type}`, userId, detail: notice }
        yield* audit.steps(tx, { ...entry, actor: 'system' })
      }
    }
  },
)

/** Stores up to which instant Stripe's list of events was read. */
export const setEventsUntil = command(
  'billing.set-events-until',
  function* (tx, { livemode, until }: { livemode: boolean; until: number }) {
    yield* tx.run(storeCursor, { livemode: Number(livemode), until })
  },
)

/** Deletes events received before `before`, and attempts whose key Stripe has forgotten; gives how many events. */
export const pruneStripe = command(
  'billing.prune',
  function* (tx, { before, now }: { before: number; now: number }) {
    yield* tx.run(removeOldAttempts, { before: now - ATTEMPT_KEPT_MS })
    return yield* tx.run(removeEvents, { before })
  },
)
