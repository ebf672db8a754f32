import { sql } from 'drizzle-orm'
import {
  billingCustomers as customers,
  checkoutSessions as sessions,
  subscriptions,
  users,
} from '#drizzle/schema.ts'
import { isActive } from '#src/database/active-user.ts'
import { insertInto, statement, update } from '#src/database/statement.ts'
import type { SubscriptionNow } from './mirror.ts'

/** By the primary key of users, billing_customers_of_user and subscriptions_of_customer; it runs at each prompt. */
export const findMirrored = statement<{ userId: string; livemode: number }, MirroredRow>(
  (p) => sql`
    SELECT ${users.tierOverride} AS override, ${subscriptions.customerId} AS "customerId",
      ${subscriptions.status} AS status, ${subscriptions.priceId} AS "priceId",
      ${subscriptions.periodEnd} AS "periodEnd",
      ${subscriptions.cancelAtPeriodEnd} AS "cancelAtPeriodEnd",
      ${subscriptions.pastDueSince} AS "pastDueSince", ${subscriptions.syncedAt} AS "syncedAt"
    FROM ${users}
    LEFT JOIN ${customers} ON ${customers.userId} = ${users.id}
      AND ${customers.livemode} = ${p.livemode} AND ${customers.goneAt} IS NULL
    LEFT JOIN ${subscriptions} ON ${subscriptions.customerId} = ${customers.id}
      AND ${subscriptions.status} IN ('active', 'trialing', 'past_due')
    WHERE ${users.id} = ${p.userId}`,
)

/** One of the user's subscriptions that may count, or nulls where there is none. */
type MirroredRow = { override: 'basic' | 'pro' | null } & (
  | {
      customerId: string
      status: string
      priceId: string | null
      periodEnd: number | null
      cancelAtPeriodEnd: number
      pastDueSince: number | null
      syncedAt: number
    }
  | { customerId: null }
)

/** By the primary key. */
export const findUser = statement<{ userId: string }, { phone: string }>(
  (p) => sql`SELECT ${users.phone} AS phone FROM ${users} WHERE ${users.id} = ${p.userId}`,
)

/** By the primary key. */
export const findCustomer = statement<
  { customerId: string },
  { userId: string | null; syncedAt: number | null; goneAt: number | null }
>(
  (p) => sql`
    SELECT ${customers.userId} AS "userId", ${customers.syncedAt} AS "syncedAt",
      ${customers.goneAt} AS "goneAt"
    FROM ${customers} WHERE ${customers.id} = ${p.customerId}`,
)

/** By billing_customers_of_user. */
export const findLivingCustomer = statement<
  { userId: string; livemode: number },
  { id: string; portalUrl: string | null; portalUntil: number | null }
>(
  (p) => sql`
    SELECT ${customers.id} AS id, ${customers.portalUrl} AS "portalUrl",
      ${customers.portalUntil} AS "portalUntil"
    FROM ${customers} WHERE ${customers.userId} = ${p.userId}
      AND ${customers.livemode} = ${p.livemode} AND ${customers.goneAt} IS NULL`,
)

/** By billing_customers_by_user. */
export const listCustomersOfUser = statement<{ userId: string }, { id: string }>(
  (p) =>
    sql`SELECT ${customers.id} AS id FROM ${customers} WHERE ${customers.userId} = ${p.userId}`,
)

/** By the primary key: customers with a subscription or a checkout that can still change. */
export const listChangeableCustomers = statement<
  { after: string; livemode: number; limit: number },
  { id: string }
>(
  (p) => sql`
    SELECT ${customers.id} AS id FROM ${customers}
    WHERE ${customers.id} > ${p.after} AND ${customers.livemode} = ${p.livemode}
      AND ${customers.goneAt} IS NULL
      AND (EXISTS (SELECT 1 FROM ${subscriptions} WHERE ${subscriptions.customerId} = ${customers.id}
          AND ${subscriptions.status} NOT IN ('canceled', 'incomplete_expired'))
        OR EXISTS (SELECT 1 FROM ${sessions} WHERE ${sessions.customerId} = ${customers.id}
          AND ${sessions.status} = 'open'))
    ORDER BY ${customers.id} LIMIT ${p.limit}`,
)

/** By the primary key and billing_customers_of_user. */
export const insertCustomer = statement<{
  customerId: string
  userId: string
  livemode: number
  now: number
}>(
  (p) =>
    sql`${insertInto(customers, {
      id: p.customerId,
      userId: p.userId,
      livemode: p.livemode,
      createdAt: p.now,
    })} ON CONFLICT DO NOTHING`,
)

/** By the primary key. */
export const markSynced = statement<{
  customerId: string
  syncedAt: number
  goneAt: number | null
}>(
  (p) => sql`${update(customers, { syncedAt: p.syncedAt, goneAt: p.goneAt })}
    WHERE ${customers.id} = ${p.customerId}`,
)

/** By the primary key. */
export const storePortalPage = statement<{ customerId: string; url: string; until: number }>(
  (p) => sql`${update(customers, { portalUrl: p.url, portalUntil: p.until })}
    WHERE ${customers.id} = ${p.customerId} AND ${customers.userId} IS NOT NULL`,
)

/** By billing_customers_by_user. */
export const removePortalPages = statement<{ userId: string }>(
  (p) => sql`${update(customers, { portalUrl: null, portalUntil: null })}
    WHERE ${customers.userId} = ${p.userId}`,
)

/** A subscription as the mirror holds it. */
export interface SubscriptionRow {
  id: string
  status: string
  periodEnd: number | null
  cancelAtPeriodEnd: number
  pastDueSince: number | null
  syncedAt: number
}

/** By subscriptions_of_customer; the newest first. */
export const listSubscriptions = statement<{ customerId: string }, SubscriptionRow>(
  (p) => sql`
    SELECT ${subscriptions.id} AS id, ${subscriptions.status} AS status,
      ${subscriptions.periodEnd} AS "periodEnd",
      ${subscriptions.cancelAtPeriodEnd} AS "cancelAtPeriodEnd",
      ${subscriptions.pastDueSince} AS "pastDueSince", ${subscriptions.syncedAt} AS "syncedAt"
    FROM ${subscriptions} WHERE ${subscriptions.customerId} = ${p.customerId}
    ORDER BY ${subscriptions.createdAt} DESC, ${subscriptions.id} DESC`,
)

/** By the primary key. */
export const storeSubscription = statement<
  {
    [K in keyof SubscriptionNow]: SubscriptionNow[K] extends boolean ? number : SubscriptionNow[K]
  } & { customerId: string; pastDueSince: number | null; syncedAt: number }
>(
  (p) => sql`${insertInto(subscriptions, {
    id: p.id,
    customerId: p.customerId,
    status: p.status,
    priceId: p.priceId,
    periodStart: p.periodStart,
    periodEnd: p.periodEnd,
    cancelAtPeriodEnd: p.cancelAtPeriodEnd,
    paused: p.paused,
    pastDueSince: p.pastDueSince,
    createdAt: p.createdAt,
    syncedAt: p.syncedAt,
  })}
    ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id, status = excluded.status,
      price_id = excluded.price_id, period_start = excluded.period_start,
      period_end = excluded.period_end, cancel_at_period_end = excluded.cancel_at_period_end,
      paused = excluded.paused, past_due_since = excluded.past_due_since,
      created_at = excluded.created_at, synced_at = excluded.synced_at`,
)

/** By the primary key. */
export const endSubscription = statement<{ id: string; syncedAt: number }>(
  (p) => sql`${update(subscriptions, { status: 'canceled', syncedAt: p.syncedAt })}
    WHERE ${subscriptions.id} = ${p.id}`,
)

/** By the index of phones alone. `last` is where the next step starts. */
export const countUsersAfter = statement<
  { phone: string; limit: number },
  { count: number; last: string | null }
>(
  (p) => sql`
    SELECT count(*) FILTER (WHERE active = 1) AS count, max(phone) AS last
    FROM (SELECT ${users.phone} AS phone, CASE WHEN ${isActive} THEN 1 ELSE 0 END AS active
      FROM ${users}
      WHERE ${users.phone} > ${p.phone} ORDER BY ${users.phone} LIMIT ${p.limit}) AS step`,
)

/** By users_tier_set. */
export const countProByOperator = statement<Record<never, never>, { count: number }>(
  () => sql`SELECT count(*) AS count FROM ${users}
    WHERE ${users.tierOverride} = 'pro' AND ${isActive}`,
)

/** By billing_customers_by_user; at most one customer of a user is in our mode and not gone. */
export const listCustomersAfter = statement<
  { userId: string; customerId: string; livemode: number; limit: number },
  { userId: string; customerId: string; mayBePro: number }
>(
  (p) => sql`
    SELECT ${customers.userId} AS "userId", ${customers.id} AS "customerId",
      CASE WHEN ${customers.livemode} = ${p.livemode} AND ${customers.goneAt} IS NULL
        AND EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${customers.userId}
          AND ${users.tierOverride} IS NULL AND ${isActive})
        AND EXISTS (SELECT 1 FROM ${subscriptions} WHERE ${subscriptions.customerId} = ${customers.id}
          AND ${subscriptions.status} IN ('active', 'trialing', 'past_due'))
      THEN 1 ELSE 0 END AS "mayBePro"
    FROM ${customers}
    WHERE (${customers.userId}, ${customers.id}) > (${p.userId}, ${p.customerId})
    ORDER BY ${customers.userId}, ${customers.id} LIMIT ${p.limit}`,
)
