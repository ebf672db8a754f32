import { sql } from 'drizzle-orm'
import { idempotencyKeys as table, users } from '#drizzle/schema.ts'
import { isActive } from '#src/database/active-user.ts'
import { insertInto, statement } from '#src/database/statement.ts'

type Key = { userId: string; key: string }

/** By the primary key. */
export const findKey = statement<
  Key,
  { fingerprint: string; kept: string | null; lockedUntil: number | null; expiresAt: number }
>(
  (
    p,
  ) => sql`SELECT ${table.fingerprint} AS fingerprint, ${table.kept} AS kept, ${table.lockedUntil} AS "lockedUntil",
      ${table.expiresAt} AS "expiresAt"
    FROM ${table} WHERE ${table.key} = ${p.key} AND ${table.userId} = ${p.userId}`,
)

/** By the primary key. */
export const storeKey = statement<
  Key & {
    fingerprint: string
    kept: string | null
    lockedUntil: number | null
    expiresAt: number
  }
>(
  (p) => sql`${insertInto(table, {
    userId: p.userId,
    key: p.key,
    fingerprint: p.fingerprint,
    kept: p.kept,
    lockedUntil: p.lockedUntil,
    expiresAt: p.expiresAt,
  })} ON CONFLICT (key, user_id) DO UPDATE SET fingerprint = excluded.fingerprint, kept = excluded.kept,
      locked_until = excluded.locked_until, expires_at = excluded.expires_at`,
)

/** By the primary key: a reservation, not an answer. */
export const removeReserved = statement<Key>(
  (p) => sql`DELETE FROM ${table}
    WHERE ${table.key} = ${p.key} AND ${table.userId} = ${p.userId} AND ${table.kept} IS NULL`,
)

const place = sql`(${table.key}, ${table.userId})`

/** The `skip`th key behind a place, by the primary key. */
export const findPlace = statement<Key & { skip: number }, Key>(
  (p) => sql`SELECT ${table.key} AS key, ${table.userId} AS "userId" FROM ${table}
    WHERE ${place} > (${p.key}, ${p.userId}) ORDER BY ${table.key}, ${table.userId} LIMIT 1 OFFSET ${p.skip}`,
)

/** Between two places, by the primary key: what is over, and what belongs to users who are erased. */
export const removeBetween = statement<Key & { toKey: string; toUserId: string; now: number }>(
  (p) => sql`DELETE FROM ${table}
    WHERE ${place} > (${p.key}, ${p.userId}) AND ${place} <= (${p.toKey}, ${p.toUserId})
      AND (${table.expiresAt} <= ${p.now}
        OR NOT EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${table.userId} AND ${isActive}))`,
)
