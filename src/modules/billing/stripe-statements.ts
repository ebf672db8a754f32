import { sql } from 'drizzle-orm'
import {
  stripeAttempts as attempts,
  stripeCursors as cursors,
  stripeEvents as events,
  checkoutSessions as sessions,
} from '#drizzle/schema.ts'
import { insertInto, statement, update } from '#src/database/statement.ts'

/** By checkout_sessions_of_customer; the newest first. */
export const listOpenSessions = statement<
  { customerId: string },
  { id: string; url: string; expiresAt: number }
>(
  (p) => sql`
    SELECT ${sessions.id} AS id, ${sessions.url} AS url, ${sessions.expiresAt} AS "expiresAt"
    FROM ${sessions} WHERE ${sessions.customerId} = ${p.customerId} AND ${sessions.status} = 'open'
    ORDER BY ${sessions.createdAt} DESC`,
)

/** By the primary key. */
export const insertSession = statement<{
  id: string
  customerId: string
  url: string
  expiresAt: number
  now: number
}>(
  (p) =>
    sql`${insertInto(sessions, {
      id: p.id,
      customerId: p.customerId,
      url: p.url,
      status: 'open',
      createdAt: p.now,
      expiresAt: p.expiresAt,
    })} ON CONFLICT (id) DO NOTHING`,
)

/** By the primary key. */
export const setSessionStatus = statement<{ id: string; status: string }>(
  (p) => sql`${update(sessions, { status: p.status })} WHERE ${sessions.id} = ${p.id}`,
)

/** By checkout_sessions_of_customer. */
export const removeExpiredSessions = statement<{ customerId: string; before: number }>(
  (p) => sql`DELETE FROM ${sessions} WHERE ${sessions.customerId} = ${p.customerId}
    AND ${sessions.createdAt} < ${p.before} AND ${sessions.status} = 'expired'`,
)

/** By the primary key; changes nothing where the event is known. */
export const insertEvent = statement<{
  id: string
  type: string
  customerId: string | null
  state: string
  createdAt: number
  now: number
}>(
  (p) =>
    sql`${insertInto(events, {
      id: p.id,
      type: p.type,
      customerId: p.customerId,
      state: p.state,
      createdAt: p.createdAt,
      receivedAt: p.now,
    })} ON CONFLICT (id) DO NOTHING`,
)

/** By stripe_events_by_time. */
export const removeEvents = statement<{ before: number }>(
  (p) => sql`DELETE FROM ${events} WHERE ${events.receivedAt} < ${p.before}`,
)

/** By the primary key. */
export const findCursor = statement<{ livemode: number }, { eventsUntil: number }>(
  (p) => sql`SELECT ${cursors.eventsUntil} AS "eventsUntil" FROM ${cursors}
    WHERE ${cursors.livemode} = ${p.livemode}`,
)

/** By the primary key. */
export const storeCursor = statement<{ livemode: number; until: number }>(
  (p) => sql`${insertInto(cursors, { livemode: p.livemode, eventsUntil: p.until })}
    ON CONFLICT (livemode) DO UPDATE SET events_until = excluded.events_until`,
)

/** By the primary key. An attempt that is not older than `expiredBefore` is left as it is. */
export const storeAttempt = statement<{
  scope: string
  key: string
  now: number
  expiredBefore: number
}>(
  (p) => sql`${insertInto(attempts, { scope: p.scope, key: p.key, createdAt: p.now })}
    ON CONFLICT (scope) DO UPDATE SET key = excluded.key, created_at = excluded.created_at
      WHERE ${attempts.createdAt} < ${p.expiredBefore}`,
)

/** By the primary key. */
export const findAttempt = statement<{ scope: string }, { key: string }>(
  (p) => sql`SELECT ${attempts.key} AS key FROM ${attempts} WHERE ${attempts.scope} = ${p.scope}`,
)

/** By the primary key. A run that began in the future was dated by a clock that has since been set back. */
export const storeFlight = statement<
  { scope: string; key: string; now: number; expiredAt: number },
  { scope: string; key: string }
>(
  (p) => sql`${insertInto(attempts, { scope: p.scope, key: p.key, createdAt: p.now })}
    ON CONFLICT (scope) DO UPDATE SET key = excluded.key, created_at = excluded.created_at
      WHERE ${attempts.createdAt} <= ${p.expiredAt} OR ${attempts.createdAt} > excluded.created_at
    RETURNING scope, key`,
)

/** By the primary key. */
export const removeAttempt = statement<{ scope: string }>(
  (p) => sql`DELETE FROM ${attempts} WHERE ${attempts.scope} = ${p.scope}`,
)

/** By the primary key. */
export const removeFlight = statement<{ scope: string; key: string }>(
  (p) =>
    sql`DELETE FROM ${attempts} WHERE ${attempts.scope} = ${p.scope} AND ${attempts.key} = ${p.key}`,
)

/** By stripe_attempts_by_time. */
export const removeOldAttempts = statement<{ before: number }>(
  (p) => sql`DELETE FROM ${attempts} WHERE ${attempts.createdAt} < ${p.before}`,
)
