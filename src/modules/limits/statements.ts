import { sql } from 'drizzle-orm'
import { rateLimits as table } from '#drizzle/schema.ts'
import { insertInto, statement, update } from '#src/database/statement.ts'

interface Counted {
  count: number
  resetsAt: number
}

const COUNTED = sql`${table.count} AS count, ${table.resetsAt} AS "resetsAt"`

/** By the primary key. A window that would end later than one that starts now was written by a clock that was set back. */
export const countOne = statement<{ key: string; now: number; endsAt: number }, Counted>((p) => {
  const isOver = sql`${table.resetsAt} <= ${p.now} OR ${table.resetsAt} > ${p.endsAt}`
  return sql`${insertInto(table, { key: p.key, count: 1, resetsAt: p.endsAt })}
    ON CONFLICT (key) DO UPDATE SET
      count = CASE WHEN ${isOver} THEN 1 ELSE ${table.count} + 1 END,
      resets_at = CASE WHEN ${isOver} THEN ${p.endsAt} ELSE ${table.resetsAt} END
    RETURNING count, resets_at AS "resetsAt"`
})

/** By the primary key. */
export const markOne = statement<{ key: string; endsAt: number }>(
  (p) => sql`${insertInto(table, { key: p.key, count: 1, resetsAt: p.endsAt })}
    ON CONFLICT (key) DO UPDATE SET resets_at = excluded.resets_at`,
)

/** By the primary key. */
export const storeCount = statement<{ key: string; count: number; resetsAt: number }>(
  (p) => sql`${insertInto(table, { key: p.key, count: p.count, resetsAt: p.resetsAt })}
    ON CONFLICT (key) DO UPDATE SET count = excluded.count, resets_at = excluded.resets_at`,
)

/** By the primary key. */
export const findCount = statement<{ key: string; now: number }, Counted>(
  (p) =>
    sql`SELECT ${COUNTED} FROM ${table} WHERE ${table.key} = ${p.key} AND ${table.resetsAt} > ${p.now}`,
)

/** By the primary key. */
export const takeOneBack = statement<{ key: string }>(
  (p) =>
    sql`${update(table, { count: sql`count - 1` })} WHERE ${table.key} = ${p.key} AND ${table.count} > 0`,
)

/** By the primary key. */
export const removeCount = statement<{ key: string }>(
  (p) => sql`DELETE FROM ${table} WHERE ${table.key} = ${p.key}`,
)

/** By rate_limits_expiring. */
export const removeOver = statement<{ now: number }>(
  (p) => sql`DELETE FROM ${table} WHERE ${table.resetsAt} <= ${p.now}`,
)
