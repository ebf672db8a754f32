import { sql } from 'drizzle-orm'
import { jobs, providerPauses, providers } from '#drizzle/schema.ts'
import { greatest } from '#src/database/dialect.ts'
import { insertInto, statement, update } from '#src/database/statement.ts'
import type { JobRow, JobState } from './job.ts'
import { everyColumn } from './statements.ts'

/** By jobs_leased. */
export const listExpired = statement<{ until: number }, { id: number }>(
  (p) => sql`SELECT ${jobs.id} AS id FROM ${jobs}
    WHERE ${jobs.state} = 'running' AND ${jobs.leaseUntil} <= ${p.until}`,
)

/**
 * Ready jobs that can no longer be done in time. Those they block fail in a later round, so that a concurrency key ends
 * in order. By jobs_deadline.
 */
export const listOverdue = statement<{ now: number }, { id: number }>(
  (p) => sql`SELECT ${jobs.id} AS id FROM ${jobs}
    WHERE ${jobs.state} = 'ready' AND ${jobs.deadlineAt} <= ${p.now} ORDER BY ${jobs.deadlineAt} LIMIT 100`,
)

/** By jobs_stopping. */
export const listStopping = statement<Record<never, never>, { id: number }>(
  () => sql`SELECT ${jobs.id} AS id FROM ${jobs}
    WHERE ${jobs.state} = 'running' AND ${jobs.stopRequestedAt} IS NOT NULL`,
)

/** When the newest job was added. By the primary key. */
export const findNewest = statement<Record<never, never>, { createdAt: number }>(
  () => sql`SELECT ${jobs.createdAt} AS "createdAt" FROM ${jobs}
    WHERE ${jobs.id} = (SELECT max(${jobs.id}) FROM ${jobs})`,
)

type SetBack = { byMs: number; now: number }

/** By jobs_due, which it reads whole; it holds only jobs that wait for an instant. */
export const setBackJobs = statement<SetBack>(
  (p) => sql`${update(jobs, { dueAt: greatest(p.now, sql`${jobs.dueAt} - ${p.byMs}`) })}
    WHERE ${jobs.state} = 'ready' AND ${jobs.rank} IS NULL AND ${jobs.dueAt} > ${p.now}`,
)

/** Reads the table: it has a row for each provider. */
export const setBackProviders = statement<SetBack>(
  (p) =>
    sql`${update(providers, {
      nextCallAt: greatest(sql`${providers.nextCallAt} - ${p.byMs}`, sql`0`),
    })} WHERE ${providers.nextCallAt} > ${p.now}`,
)

/** Reads the table: it has a row for each model at most. */
export const setBackPauses = statement<SetBack>(
  (p) =>
    sql`${update(providerPauses, {
      until: greatest(sql`${providerPauses.until} - ${p.byMs}`, sql`0`),
    })} WHERE ${providerPauses.until} > ${p.now}`,
)

/** By jobs_ended_at. */
export const pruneJobs = statement<{ endedBefore: number; limit: number }>(
  (p) => sql`DELETE FROM ${jobs} WHERE ${jobs.id} IN (
    SELECT ${jobs.id} FROM ${jobs} WHERE ${jobs.endedAt} IS NOT NULL AND ${jobs.endedAt} < ${p.endedBefore}
    ORDER BY ${jobs.endedAt} LIMIT ${p.limit})`,
)

/** Newest first. Reads the table backwards, which is for people, not for the worker. */
export const listJobs = statement<
  { state: string | null; kind: string | null; limit: number },
  JobRow
>(
  (p) => sql`SELECT ${everyColumn()} FROM ${jobs}
    WHERE (${p.state} IS NULL OR ${jobs.state} = ${p.state}) AND (${p.kind} IS NULL OR ${jobs.kind} = ${p.kind})
    ORDER BY ${jobs.id} DESC LIMIT ${p.limit}`,
)

type Count = { kind: string; count: number }

/** By jobs_behind, then each job: the index would cost each newcomer more if it held the kind. */
export const countBlocked = statement<Record<never, never>, Count>(
  () => sql`SELECT ${jobs.kind} AS kind, count(*) AS count FROM ${jobs}
    WHERE ${jobs.state} = 'blocked' AND ${jobs.blockedBy} > 0 GROUP BY ${jobs.kind}`,
)

/** By jobs_turn, which holds all it needs. */
export const countReady = statement<Record<never, never>, Count & { dueAt: number }>(
  () => sql`SELECT ${jobs.kind} AS kind, count(*) AS count, min(${jobs.dueAt}) AS "dueAt" FROM ${jobs}
    WHERE ${jobs.state} = 'ready' GROUP BY ${jobs.kind}`,
)

/** By jobs_leased. */
export const countRunning = statement<Record<never, never>, Count>(
  () => sql`SELECT ${jobs.kind} AS kind, count(*) AS count FROM ${jobs}
    WHERE ${jobs.state} = 'running' AND ${jobs.leaseUntil} > 0 GROUP BY ${jobs.kind}`,
)

/** By jobs_ended_at, which holds all it needs. */
export const countEnded = statement<
  { since: number },
  Count & { state: Extract<JobState, 'done' | 'failed' | 'cancelled'> }
>(
  (p) => sql`SELECT ${jobs.kind} AS kind, ${jobs.state} AS state, count(*) AS count FROM ${jobs}
    WHERE ${jobs.endedAt} >= ${p.since} GROUP BY ${jobs.kind}, ${jobs.state}`,
)

/** When a provider may be called next, and until when its key is not to be used. By the primary keys. */
export const findProvider = statement<
  { name: string; account: string },
  { nextCallAt: number; keyUntil: number | null }
>(
  (p) => sql`SELECT
    coalesce((SELECT ${providers.nextCallAt} FROM ${providers} WHERE ${providers.name} = ${p.name}), 0) AS "nextCallAt",
    (SELECT ${providerPauses.until} FROM ${providerPauses} WHERE ${providerPauses.provider} = ${p.name}
      AND ${providerPauses.model} = '' AND ${providerPauses.account} = ${p.account}) AS "keyUntil"`,
)

/** By the primary key. */
export const storeNextCall = statement<{ name: string; nextCallAt: number }>(
  (p) => sql`${insertInto(providers, { name: p.name, nextCallAt: p.nextCallAt })}
    ON CONFLICT (name) DO UPDATE SET next_call_at = excluded.next_call_at`,
)

/** The next job that may try a key which was refused holds back the others. By the primary key. */
export const holdKey = statement<{ name: string; account: string; until: number }>(
  (
    p,
  ) => sql`${update(providerPauses, { until: p.until })} WHERE ${providerPauses.provider} = ${p.name}
    AND ${providerPauses.model} = '' AND ${providerPauses.account} = ${p.account}`,
)

/** Replaces a pause of another key or address; a longer one of the same stays. By the primary key. */
export const storePause = statement<{
  name: string
  model: string
  account: string
  reason: string
  quotaId: string | null
  now: number
  until: number
}>((p) => {
  const { account, reason, since, until } = providerPauses
  return sql`${insertInto(providerPauses, {
    provider: p.name,
    model: p.model,
    account: p.account,
    reason: p.reason,
    quotaId: p.quotaId,
    since: p.now,
    until: p.until,
  })} ON CONFLICT (provider, model) DO UPDATE SET account = excluded.account, reason = excluded.reason,
      quota_id = excluded.quota_id, until = excluded.until,
      since = CASE WHEN ${account} = excluded.account AND ${reason} = excluded.reason
        THEN ${since} ELSE excluded.since END
    WHERE ${account} <> excluded.account OR ${until} <= excluded.until`
})

type PauseRow = Pick<
  typeof providerPauses.$inferSelect,
  'model' | 'reason' | 'until' | 'since' | 'quotaId'
>

/** A pause of the key holds until a call has succeeded. By the primary key. */
export const listPauses = statement<{ name: string; account: string; now: number }, PauseRow>(
  (p) => {
    const { provider, model, account, reason, quotaId, since, until } = providerPauses
    return sql`SELECT ${model} AS model, ${reason} AS reason, ${until} AS until, ${since} AS since,
      ${quotaId} AS "quotaId"
    FROM ${providerPauses}
    WHERE ${provider} = ${p.name} AND ${account} = ${p.account} AND (${until} > ${p.now} OR ${model} = '')
    ORDER BY ${model}`
  },
)

/** By the primary key. */
export const removePauses = statement<{ name: string; model: string | null }>(
  (p) => sql`DELETE FROM ${providerPauses}
    WHERE ${providerPauses.provider} = ${p.name} AND (${p.model} IS NULL OR ${providerPauses.model} = ${p.model})`,
)

/** Jobs that wait for an instant are due now. By jobs_due. */
export const makeDue = statement<{ kind: string; now: number }>(
  (p) => sql`${update(jobs, { dueAt: p.now })}
    WHERE ${jobs.kind} = ${p.kind} AND ${jobs.state} = 'ready' AND ${jobs.rank} IS NULL AND ${jobs.dueAt} > ${p.now}`,
)
