import { command, type Steps, type Tx } from '#src/database/steps.ts'
import type { JobRow, NewJob } from './job.ts'
import {
  findPredecessor,
  findSuccessor,
  findWaiting,
  forgetKey,
  replacePredecessor,
  setLastBlocked,
  unblockJob,
} from './order-statements.ts'
import { findByDedupeKey, findJob, insertJob, restartJob } from './statements.ts'

/** The topic on which a job that became ready is published, with its kind. */
export const JOB_READY = 'job.ready'

/**
 * Adds a job inside the caller's transaction, so a job and its cause commit together. Gives its id, or
 * undefined where a job with the same dedupe key has not ended yet.
 *
 * The jobs of a concurrency key are a list: each blocked one names the one before it, and the key names the last. An
 * index by key would be written amid those of other keys, a page for each newcomer; this one grows at its end
 * (docs/decisions/078).
 */
export const enqueue = command(
  'queue.enqueue',
  function* (tx, { job, now }: { job: NewJob; now: number }) {
    const concurrencyKey = job.concurrencyKey ?? null
    const blockedBy = yield* predecessor(tx, concurrencyKey)
    const id = yield* tx.insert(insertJob, {
      kind: job.kind,
      concurrencyKey,
      owner: job.owner ?? null,
      blockedBy,
      state: blockedBy === null ? 'ready' : 'blocked',
      body: JSON.stringify(job.body),
      dueAt: job.dueAt ?? now,
      deadlineAt: job.deadlineAt ?? null,
      dedupeKey: job.dedupeKey ?? null,
      trace: job.trace ?? null,
      now,
    })
    if (id === undefined) return undefined
    yield* joined(tx, { id, kind: job.kind, concurrencyKey, blockedBy })
    return id
  },
)

/** `busy`: another job with its dedupe key has not ended; `not-ended` also means done. */
export type RetryResult = 'retried' | 'unknown' | 'not-ended' | 'busy'

/** Runs a failed or cancelled job again, after those of its concurrency key that have not ended. */
export const retry = command(
  'queue.retry',
  function* (tx, { id, now }: { id: number; now: number }): Steps<RetryResult> {
    const row = yield* tx.first(findJob, { id })
    if (!row) return 'unknown'
    const { kind, state, dedupeKey, concurrencyKey } = row
    if (state !== 'failed' && state !== 'cancelled') return 'not-ended'
    if (dedupeKey !== null && (yield* tx.first(findByDedupeKey, { dedupeKey }))) return 'busy'
    const blockedBy = yield* predecessor(tx, concurrencyKey)
    yield* tx.run(restartJob, {
      id,
      state: blockedBy === null ? 'ready' : 'blocked',
      blockedBy,
      now,
    })
    yield* joined(tx, { id, kind, concurrencyKey, blockedBy })
    return 'retried'
  },
)

/** A concurrency key and a kind of job. */
export interface Waiting {
  concurrencyKey: string
  kind: string
}

/** Whether the key has a job of the kind that has not begun. Reads as many jobs as the key blocks. */
export const isWaiting = command(
  'queue.is-waiting',
  function* (tx, { concurrencyKey, kind }: Waiting) {
    return (yield* tx.first(findWaiting, { key: concurrencyKey, kind })) !== undefined
  },
)

/** Makes the job ready that is blocked by one that has ended. Every end of an active job does it, or its key would stand still. */
export function* unblockNext(
  tx: Tx,
  { id, concurrencyKey, now }: Pick<JobRow, 'id' | 'concurrencyKey'> & { now: number },
): Steps<void> {
  if (concurrencyKey === null) return
  const next = yield* tx.first(findSuccessor, { id })
  if (!next) return
  yield* tx.run(unblockJob, { id: next.id, now })
  yield* tx.run(forgetKey, { key: concurrencyKey })
  tx.notify(JOB_READY, next.kind)
}

/** Takes an ended job out of the list of its key: the one that waited for it waits for the one before it. */
export function* leaveBlocked(
  tx: Tx,
  { id, concurrencyKey, blockedBy }: Pick<JobRow, 'id' | 'concurrencyKey' | 'blockedBy'>,
): Steps<void> {
  if (concurrencyKey === null || blockedBy === null) return
  if ((yield* tx.run(replacePredecessor, { id, by: blockedBy })) > 0) return
  yield* tx.run(setLastBlocked, { key: concurrencyKey, id: blockedBy })
  yield* tx.run(forgetKey, { key: concurrencyKey })
}

/** The job that a newcomer waits for; null where none of the key is active. */
function* predecessor(tx: Tx, key: string | null): Steps<number | null> {
  if (key === null) return null
  return (yield* tx.first(findPredecessor, { key }))?.id ?? null
}

function* joined(
  tx: Tx,
  job: Pick<JobRow, 'id' | 'kind' | 'concurrencyKey' | 'blockedBy'>,
): Steps<void> {
  const { id, kind, concurrencyKey, blockedBy } = job
  if (blockedBy === null) tx.notify(JOB_READY, kind)
  else if (concurrencyKey !== null) yield* tx.run(setLastBlocked, { key: concurrencyKey, id })
}
