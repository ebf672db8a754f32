import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { concurrencyKeys, jobs, servedRanks } from '#drizzle/schema.ts'
import { greatest } from '#src/database/dialect.ts'
import { insertInto, statement, update } from '#src/database/statement.ts'

/**
 * The rank of a job that becomes ready: one after the owner's own last waiting one, but at least one after the rank
 * served last. So a newcomer waits for one job of each owner at most, an owner with a thousand rooms queues behind
 * itself, and nobody can push in before it for ever (start-time fair queueing). By jobs_turn_of_owner and the primary
 * key of job_turns. The inner table has a name of its own, or its columns would mean the row that is being updated.
 */
export function nextRank(kind: SQLWrapper, owner: SQLWrapper): SQL {
  const own = alias(jobs, 'own')
  return greatest(
    sql`coalesce((SELECT max(${own.rank}) + 1 FROM ${jobs} AS ${own}
      WHERE ${own.kind} = ${kind} AND ${own.owner} = ${owner} AND ${own.state} = 'ready'), 0)`,
    sql`coalesce((SELECT ${servedRanks.rank} + 1 FROM ${servedRanks} WHERE ${servedRanks.kind} = ${kind}), 0)`,
  )
}

/** The job a newcomer waits for: the last blocked one, or else the active one. By the primary key of job_lanes and jobs_one_active_per_lane. */
export const findPredecessor = statement<{ key: string }, { id: number | null }>(
  (p) => sql`SELECT coalesce(
    (SELECT ${concurrencyKeys.lastBlocked} FROM ${concurrencyKeys} WHERE ${concurrencyKeys.key} = ${p.key}),
    (SELECT ${jobs.id} FROM ${jobs} WHERE ${jobs.concurrencyKey} = ${p.key} AND ${jobs.state} IN ('ready', 'running')))
    AS id`,
)

/** By the primary key. */
export const setLastBlocked = statement<{ key: string; id: number }>(
  (p) => sql`${insertInto(concurrencyKeys, { key: p.key, lastBlocked: p.id })}
    ON CONFLICT (lane) DO UPDATE SET last = excluded.last`,
)

/** Forgets a key for which no job is blocked any more. By the primary keys. */
export const forgetKey = statement<{ key: string }>(
  (p) => sql`DELETE FROM ${concurrencyKeys} WHERE ${concurrencyKeys.key} = ${p.key}
    AND NOT EXISTS (SELECT 1 FROM ${jobs} WHERE ${jobs.id} = ${concurrencyKeys.lastBlocked} AND ${jobs.state} = 'blocked')`,
)

/** By jobs_behind. */
export const replacePredecessor = statement<{ id: number; by: number }>(
  (p) => sql`${update(jobs, { blockedBy: p.by })}
    WHERE ${jobs.blockedBy} = ${p.id} AND ${jobs.state} = 'blocked'`,
)

/** By jobs_behind. */
export const findSuccessor = statement<{ id: number }, { id: number; kind: string }>(
  (p) => sql`SELECT ${jobs.id} AS id, ${jobs.kind} AS kind FROM ${jobs}
    WHERE ${jobs.blockedBy} = ${p.id} AND ${jobs.state} = 'blocked'`,
)

/**
 * Whether a job of the kind has not begun. Walks the blocked jobs of a key from the last by the primary key; then by
 * jobs_one_active_per_lane, whose partner columns are hidden from the planner.
 */
export const findWaiting = statement<{ key: string; kind: string }, { found: number }>(
  (p) => sql`WITH RECURSIVE blocked (kind, blocked_by) AS (
      SELECT ${jobs.kind}, ${jobs.blockedBy} FROM ${jobs} WHERE ${jobs.id} =
        (SELECT ${concurrencyKeys.lastBlocked} FROM ${concurrencyKeys} WHERE ${concurrencyKeys.key} = ${p.key})
      UNION ALL
      SELECT ${jobs.kind}, ${jobs.blockedBy} FROM blocked
        JOIN ${jobs} ON ${jobs.id} = blocked.blocked_by AND ${jobs.state} = 'blocked')
    SELECT 1 AS found FROM blocked WHERE blocked.kind = ${p.kind}
    UNION ALL SELECT 1 FROM ${jobs}
    WHERE ${jobs.concurrencyKey} = ${p.key} AND ${jobs.state} IN ('ready', 'running')
      AND ${jobs.state} || '' = 'ready' AND ${jobs.kind} || '' = ${p.kind}
    LIMIT 1`,
)

/** One that was due at once is due now, also where the clock that stamped it has been set back since. By the primary key. */
export const unblockJob = statement<{ id: number; now: number }>(
  (p) =>
    sql`${update(jobs, {
      state: 'ready',
      blockedBy: null,
      rank: sql`CASE WHEN ${jobs.dueAt} <= ${p.now} OR ${jobs.dueAt} <= ${jobs.createdAt}
      THEN ${nextRank(jobs.kind, jobs.owner)} END`,
    })} WHERE ${jobs.id} = ${p.id}`,
)

/** Ready jobs whose time has come and that have no rank yet. By jobs_due. */
export const listDue = statement<{ kind: string; now: number }, { id: number }>(
  (p) => sql`SELECT ${jobs.id} AS id FROM ${jobs}
    WHERE ${jobs.kind} = ${p.kind} AND ${jobs.state} = 'ready' AND ${jobs.rank} IS NULL AND ${jobs.dueAt} <= ${p.now}
    ORDER BY ${jobs.dueAt}, ${jobs.id} LIMIT 500`,
)

/** By the primary key. */
export const rankJob = statement<{ id: number }>(
  (p) => sql`${update(jobs, { rank: nextRank(jobs.kind, jobs.owner) })} WHERE ${jobs.id} = ${p.id}`,
)

/** When the next waiting job falls due. By jobs_due. */
export const findNextDue = statement<{ kind: string }, { dueAt: number | null }>(
  (p) => sql`SELECT min(${jobs.dueAt}) AS "dueAt" FROM ${jobs}
    WHERE ${jobs.kind} = ${p.kind} AND ${jobs.state} = 'ready' AND ${jobs.rank} IS NULL`,
)

/** The rank of the kind that was served last never goes back. By the primary key. */
export const storeServedRank = statement<{ kind: string; rank: number }>(
  (p) => sql`${insertInto(servedRanks, { kind: p.kind, rank: p.rank })}
    ON CONFLICT (kind) DO UPDATE SET served = ${greatest(servedRanks.rank, sql`excluded.served`)}`,
)
