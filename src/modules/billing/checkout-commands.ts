import { and, eq, isNotNull, lt } from 'drizzle-orm'
import { billingCustomers, checkoutSessions, users } from '#drizzle/schema.ts'
import { type Command, type Orm, syncCommand } from '#src/database/command.ts'
import { DAY } from '#src/lib/time.ts'
import type { Queue } from '#src/queue/queue.ts'
import { endAttempt } from './attempts.ts'
import { enqueueClose } from './close.ts'
import type { Checkout, Portal } from './store.ts'

/** A checkout that was never paid is of no use to anyone after that. */
const EXPIRED_KEPT_MS = 30 * DAY

export interface NewCustomer {
  userId: string
  customerId: string
  livemode: boolean
  scope: string
  now: number
}

/** Keeps the customer Stripe made and ends the attempt. False when the user was deleted meanwhile. */
export const addCustomer: Command<NewCustomer, boolean> = syncCommand(
  'billing.add-customer',
  ({ orm }) =>
    (tx, { userId, customerId, livemode, scope, now }) => {
      tx.run(endAttempt, { scope })
      const user = orm.select({ id: users.id }).from(users).where(eq(users.id, userId)).get()
      if (!user) return false
      orm
        .insert(billingCustomers)
        .values({ id: customerId, userId, livemode, createdAt: now })
        .onConflictDoNothing()
        .run()
      return true
    },
)

export interface NewCheckout {
  customerId: string
  checkout: Checkout
  scope: string
  now: number
}

/** Keeps the session Stripe made and ends the attempt. False when the user was deleted meanwhile. */
export function createAddCheckout(queue: Queue): Command<NewCheckout, boolean> {
  return syncCommand(
    'billing.add-checkout',
    ({ orm }) =>
      (tx, { customerId, checkout, scope, now }) => {
        tx.run(endAttempt, { scope })
        const customer = orm
          .select({ userId: billingCustomers.userId })
          .from(billingCustomers)
          .where(eq(billingCustomers.id, customerId))
          .get()
        if (!customer) return false
        orm
          .insert(checkoutSessions)
          .values({ ...checkout, customerId, status: 'open', createdAt: now })
          .onConflictDoNothing()
          .run()
        forgetExpired(orm, customerId, now)
        if (customer.userId !== null) return true
        enqueueClose(queue, tx, customerId)
        return false
      },
  )
}

/** So that one customer's checkouts do not grow without end. Uses checkout_sessions_of_customer. */
function forgetExpired(orm: Orm, customerId: string, now: number): void {
  orm
    .delete(checkoutSessions)
    .where(
      and(
        eq(checkoutSessions.customerId, customerId),
        lt(checkoutSessions.createdAt, now - EXPIRED_KEPT_MS),
        eq(checkoutSessions.status, 'expired'),
      ),
    )
    .run()
}

/** Keeps the last page of the portal: one for each customer, none for a deleted account. */
export const keepPortal: Command<{ customerId: string; portal: Portal }, void> = syncCommand(
  'billing.keep-portal',
  ({ orm }) =>
    (_tx, { customerId, portal }) => {
      orm
        .update(billingCustomers)
        .set({ portalUrl: portal.url, portalUntil: portal.until })
        .where(and(eq(billingCustomers.id, customerId), isNotNull(billingCustomers.userId)))
        .run()
    },
)
