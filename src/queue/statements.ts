import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { getTableColumns } from 'drizzle-orm/utils'
import { jobs } from '#drizzle/schema.ts'
import { insertInto, statement, update } from '#src/database/statement.ts'
import type { JobRow, JobState } from './job.ts'
import { nextRank } from './order-statements.ts'

// The line above a statement names the index it relies on; test/queue/plans.test.ts checks each. Of the statements that
// run for each job none says RETURNING: SQLite does that by a trigger, with a copy of each page the statement changes.

/** Fences an attempt: no row where another worker holds the job now, or it has ended. */
const isHeldBy = (p: { id: SQLWrapper; attempt: SQLWrapper }) =>
  sql`${jobs.id} = ${p.id} AND ${jobs.attempt} = ${p.attempt} AND ${jobs.state} = 'running'`

/** All columns of a job, by their names in the schema. */
export function everyColumn(): SQL {
  const columns = Object.entries(getTableColumns(jobs))
  return sql.join(
    columns.map(([name, column]) => sql`${column} AS ${sql.identifier(name)}`),
    sql`, `,
  )
}

/** By the primary key. */
export const findJob = statement<{ id: number }, JobRow>(
  (p) => sql`SELECT ${everyColumn()} FROM ${jobs} WHERE ${jobs.id} = ${p.id}`,
)

/** Adds nothing where the dedupe key is taken, by jobs_dedupe. */
export const insertJob = statement<{
  kind: string
  concurrencyKey: string | null
  owner: string | null
  blockedBy: number | null
  state: JobState
  body: string
  dueAt: number
  deadlineAt: number | null
  dedupeKey: string | null
  trace: string | null
  now: number
}>(
  (p) =>
    sql`${insertInto(jobs, {
      kind: p.kind,
      concurrencyKey: p.concurrencyKey,
      owner: p.owner,
      blockedBy: p.blockedBy,
      state: p.state,
      rank: sql`CASE WHEN ${p.state} = 'ready' AND ${p.dueAt} <= ${p.now} THEN ${nextRank(p.kind, p.owner)} END`,
      body: p.body,
      dueAt: p.dueAt,
      deadlineAt: p.deadlineAt,
      dedupeKey: p.dedupeKey,
      trace: p.trace,
      createdAt: p.now,
    })} ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL AND ended_at IS NULL DO NOTHING`,
)

/** Takes the lowest ranks of a kind: their next attempt begins and has a lease. By jobs_turn. */
export const claimJobs = statement<
  { kind: string; limit: number; now: number; leaseUntil: number },
  JobRow
>(
  (p) => sql`${update(jobs, {
    state: 'running',
    attempt: sql`${jobs.attempt} + 1`,
    leaseUntil: p.leaseUntil,
    startedAt: p.now,
  })} WHERE ${jobs.id} IN (
      SELECT ${jobs.id} FROM ${jobs} WHERE ${jobs.kind} = ${p.kind} AND ${jobs.state} = 'ready' AND ${jobs.rank} >= 0
      ORDER BY ${jobs.rank}, ${jobs.id} LIMIT ${p.limit})
    RETURNING ${everyColumn()}`,
)

/** No row means that the lease was lost. By the primary key. */
export const extendLease = statement<
  { id: number; attempt: number; leaseUntil: number },
  { stopRequestedAt: number | null }
>(
  (p) => sql`${update(jobs, { leaseUntil: p.leaseUntil })} WHERE ${isHeldBy(p)}
    RETURNING ${jobs.stopRequestedAt} AS "stopRequestedAt"`,
)

/** Ends a job that runs. By the primary key. */
export const endAttempt = statement<{
  id: number
  attempt: number
  state: JobState
  now: number
  error: string | null
  losses: number
}>(
  (p) =>
    sql`${update(jobs, {
      state: p.state,
      leaseUntil: null,
      rank: null,
      endedAt: p.now,
      lastError: p.error,
      losses: sql`${jobs.losses} + ${p.losses}`,
    })} WHERE ${isHeldBy(p)}`,
)

/**
 * Makes a job that runs ready again; it stays the active one of its key, so the order holds. Changes nothing where a stop
 * was requested: that job ends. By the primary key.
 */
export const releaseAttempt = statement<{
  id: number
  attempt: number
  dueAt: number
  errors: number
  unused: number
  error: string | null
}>(
  (p) =>
    sql`${update(jobs, {
      state: 'ready',
      leaseUntil: null,
      rank: null,
      dueAt: p.dueAt,
      errors: sql`${jobs.errors} + ${p.errors}`,
      unusedAttempts: sql`${jobs.unusedAttempts} + ${p.unused}`,
      lastError: sql`coalesce(${p.error}, ${jobs.lastError})`,
    })} WHERE ${isHeldBy(p)} AND ${jobs.stopRequestedAt} IS NULL`,
)

/** Makes a job ready whose worker was lost. By the primary key. */
export const recoverJob = statement<{ id: number; attempt: number; now: number }>(
  (p) =>
    sql`${update(jobs, {
      state: 'ready',
      leaseUntil: null,
      rank: null,
      dueAt: p.now,
      losses: sql`${jobs.losses} + 1`,
    })} WHERE ${isHeldBy(p)}`,
)

/** By the primary key. */
export const requestStop = statement<{ id: number; now: number }>(
  (p) => sql`${update(jobs, { stopRequestedAt: sql`coalesce(${jobs.stopRequestedAt}, ${p.now})` })}
    WHERE ${jobs.id} = ${p.id} AND ${jobs.state} = 'running'`,
)

/** Ends a job that does not run. By the primary key. */
export const endWaitingJob = statement<{
  id: number
  state: JobState
  now: number
  error: string | null
}>(
  (p) =>
    sql`${update(jobs, {
      state: p.state,
      blockedBy: null,
      rank: null,
      endedAt: p.now,
      lastError: p.error,
    })} WHERE ${jobs.id} = ${p.id} AND ${jobs.state} IN ('blocked', 'ready')`,
)

/** Starts a job that ended without being done again, with its counters and its deadline forgotten. By the primary key. */
export const restartJob = statement<{
  id: number
  state: JobState
  blockedBy: number | null
  now: number
}>(
  (p) =>
    sql`${update(jobs, {
      state: p.state,
      blockedBy: p.blockedBy,
      rank: null,
      dueAt: p.now,
      deadlineAt: null,
      errors: 0,
      losses: 0,
      stopRequestedAt: null,
      endedAt: null,
    })} WHERE ${jobs.id} = ${p.id} AND ${jobs.state} IN ('failed', 'cancelled')`,
)

/** By jobs_dedupe. */
export const findByDedupeKey = statement<{ dedupeKey: string }, { id: number }>(
  (p) => sql`SELECT ${jobs.id} AS id FROM ${jobs}
    WHERE ${jobs.dedupeKey} = ${p.dedupeKey} AND ${jobs.endedAt} IS NULL`,
)
