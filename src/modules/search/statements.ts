import { sql } from 'drizzle-orm'
import {
  chatrooms,
  messages,
  searchPartitions as partitions,
  searchPending as pending,
  refolding,
} from '#drizzle/schema.ts'
import { smaller } from '#src/database/dialect.ts'
import { columns, insertInto, statement, update } from '#src/database/statement.ts'
import { SEARCHED_LENGTH } from './words.ts'

// ── messages that wait for the index ────────────────────────────────────────────────────────────

/** All: with the condition SQLite seeks in the table instead of scanning it. */
const waits = sql`${pending.key} > 0`

/** By the primary key. */
export const findWaiting = statement<Record<never, never>, { key: number }>(
  () => sql`SELECT ${pending.key} AS key FROM ${pending} WHERE ${waits} LIMIT 1`,
)

/**
 * By the primary key. The newest first: what was just said is searched for more often than what an upgrade indexes
 * again.
 */
export const listWaiting = statement<{ limit: number }, { key: number }>(
  (p) =>
    sql`SELECT ${pending.key} AS key FROM ${pending} WHERE ${waits} ORDER BY ${pending.key} DESC LIMIT ${p.limit}`,
)

/** By the primary key. */
export const countWaiting = statement<{ most: number }, { count: number }>(
  (p) =>
    sql`SELECT count(*) AS count FROM (SELECT 1 FROM ${pending} WHERE ${waits} LIMIT ${p.most}) AS some`,
)

/** By the primary key. */
export const removeWaiting = statement<{ from: number }>(
  (p) => sql`DELETE FROM ${pending} WHERE ${pending.key} >= ${p.from}`,
)

/** By the primary key. */
export const findText = statement<{ key: number }, { owner: string; content: string }>(
  (p) => sql`
    SELECT ${messages.owner} AS owner, substr(${messages.content}, 1, ${SEARCHED_LENGTH}) AS content
    FROM ${messages} WHERE ${messages.key} = ${p.key}`,
)

// ── partitions ──────────────────────────────────────────────────────────────────────────────────

export interface Partition {
  number: number
  firstKey: number
  terms: number
}

const PARTITION = columns({
  number: partitions.number,
  firstKey: partitions.firstKey,
  terms: partitions.terms,
})

/** The partition that covers the key below `before`. By the primary key. */
export const findPartitionBelow = statement<{ owner: string; before: number }, Partition>(
  (p) => sql`
    SELECT ${PARTITION} FROM ${partitions}
    WHERE ${partitions.owner} = ${p.owner} AND ${partitions.firstKey} < ${p.before}
    ORDER BY ${partitions.firstKey} DESC LIMIT 1`,
)

/** By the primary key. */
export const findPartitionAbove = statement<{ owner: string; key: number }, Partition>(
  (p) => sql`
    SELECT ${PARTITION} FROM ${partitions}
    WHERE ${partitions.owner} = ${p.owner} AND ${partitions.firstKey} > ${p.key}
    ORDER BY ${partitions.firstKey} LIMIT 1`,
)

/** By search_partitions_by_number. */
export const findPartition = statement<{ owner: string; number: number }, Partition>(
  (p) => sql`
    SELECT ${PARTITION} FROM ${partitions}
    WHERE ${partitions.owner} = ${p.owner} AND ${partitions.number} = ${p.number}`,
)

/** By search_partitions_by_number. */
export const growPartition = statement<{
  owner: string
  number: number
  key: number
  terms: number
}>(
  (p) => sql`
    ${update(partitions, {
      firstKey: smaller(partitions.firstKey, p.key),
      terms: sql`${partitions.terms} + ${p.terms}`,
    })}
    WHERE ${partitions.owner} = ${p.owner} AND ${partitions.number} = ${p.number}`,
)

/** By search_partitions_by_number. */
export const insertPartition = statement<
  { owner: string; key: number; terms: number },
  { number: number }
>(
  (p) => sql`
    INSERT INTO ${partitions} (owner, first_key, number, terms)
    SELECT ${p.owner}, ${p.key}, coalesce(max(${partitions.number}), 0) + 1, ${p.terms}
    FROM ${partitions} WHERE ${partitions.owner} = ${p.owner}
    RETURNING number`,
)

/** All of them. */
export const removePartitions = statement<Record<never, never>>(
  () => sql`DELETE FROM ${partitions}`,
)

// ── what an earlier fold wrote ──────────────────────────────────────────────────────────────────

/** What is folded again in the background. */
export type Refolded = 'messages' | 'titles'

/** By the primary key. */
export const findProgress = statement<
  { what: Refolded },
  { version: number; place: string | null }
>(
  (p) => sql`
    SELECT ${refolding.version} AS version, ${refolding.place} AS place FROM ${refolding}
    WHERE ${refolding.what} = ${p.what}`,
)

/** By the primary key. */
export const keepProgress = statement<{ what: Refolded; version: number; place: string | null }>(
  (p) => sql`
    ${insertInto(refolding, { what: p.what, version: p.version, place: p.place })}
    ON CONFLICT (what) DO UPDATE SET version = excluded.version, place = excluded.place`,
)

/** By the primary key. */
export const findHighestKey = statement<Record<never, never>, { key: number }>(
  () => sql`SELECT coalesce(max(${messages.key}), 0) AS key FROM ${messages}`,
)

/** The smallest of the `limit` greatest keys below `below`; null where there is none. By the primary key. */
export const findKeyBelow = statement<{ below: number; limit: number }, { key: number | null }>(
  (p) => sql`
    SELECT min(some.key) AS key FROM (
      SELECT ${messages.key} AS key FROM ${messages} WHERE ${messages.key} < ${p.below}
      ORDER BY ${messages.key} DESC LIMIT ${p.limit}
    ) AS some`,
)

/** By the primary key of messages. octet_length() does not read the text. */
export const handToIndex = statement<{ from: number; below: number }>(
  (p) => sql`
    INSERT INTO ${pending} (key)
    SELECT ${messages.key} FROM ${messages}
    WHERE ${messages.key} >= ${p.from} AND ${messages.key} < ${p.below}
      AND ${messages.completedAt} IS NOT NULL AND octet_length(${messages.content}) > 0
    ON CONFLICT (key) DO NOTHING`,
)

/** By the primary key. */
export const listTitles = statement<
  { after: string; limit: number },
  { id: string; title: string }
>(
  (p) => sql`
    SELECT ${chatrooms.id} AS id, ${chatrooms.title} AS title FROM ${chatrooms}
    WHERE ${chatrooms.id} > ${p.after} ORDER BY ${chatrooms.id} LIMIT ${p.limit}`,
)

/** By the primary key. */
export const setFoldedTitle = statement<{ id: string; titleFolded: string }>(
  (p) => sql`
    ${update(chatrooms, { titleFolded: p.titleFolded })} WHERE ${chatrooms.id} = ${p.id}`,
)
