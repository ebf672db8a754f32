import { type Command, command, resolveCommand, type Steps, type Tx } from '#src/database/steps.ts'
import { JOB_READY, leaveBlocked, unblockNext } from './enqueue.ts'
import { type Effect, type Job, type JobEnd, type JobKind, type JobRow, toJob } from './job.ts'
import { endAttempt, endWaitingJob, findJob, releaseAttempt, requestStop } from './statements.ts'

/** The topic on which a stop request is published, with the job's id. */
export const JOB_STOP = 'job.stop'

/** The end of a job that was asked to stop. */
export const STOPPED: JobEnd = {
  state: 'cancelled',
  cause: 'stop',
  code: 'cancelled',
  message: 'stopped on request',
}

export const OVERTIME: JobEnd = {
  state: 'failed',
  cause: 'deadline',
  code: 'deadline',
  message: 'not done before its deadline',
}

export type JobKinds = ReadonlyMap<string, JobKind>

/** How an attempt ends. */
export type Finish =
  | { as: 'done'; effect: Effect | undefined }
  | { as: 'ended'; end: JobEnd; effect: Effect | undefined }
  | {
      as: 'retry'
      dueAt: number
      countsError: boolean
      error: string | null
      /** `begun`: the handler may have done something, and will do it again. `unused`: it surely did nothing. */
      attempt: 'begun' | 'snoozed' | 'unused'
    }

export interface FinishInput {
  /** As it was claimed. */
  job: Pick<JobRow, 'id' | 'kind' | 'attempt' | 'concurrencyKey'>
  finish: Finish
  now: number
}

/**
 * Ends an attempt in one transaction: the fenced update, the effect, the next job of the concurrency key. Gives false and
 * writes nothing where another attempt holds the job, so a worker that was thought dead cannot act twice.
 */
export function createFinish(kinds: JobKinds): Command<FinishInput, boolean> {
  return command('queue.finish', function* (tx, { job, finish, now }) {
    if (finish.as !== 'retry') return yield* end(tx, kinds, { job, finish, now })
    const { id, attempt } = job
    const held = finish.attempt === 'begun' ? yield* tx.first(findJob, { id }) : undefined
    const instead = held?.attempt === attempt ? yield* askBeforeRetry(tx, kinds, held) : undefined
    if (instead) {
      return yield* end(tx, kinds, {
        job,
        finish: { as: 'ended', end: instead, effect: undefined },
        now,
      })
    }
    const released = yield* tx.run(releaseAttempt, {
      id,
      attempt,
      dueAt: finish.dueAt,
      errors: finish.countsError ? 1 : 0,
      unused: finish.attempt === 'unused' ? 1 : 0,
      error: finish.error,
    })
    if (released > 0) {
      tx.notify(JOB_READY, job.kind)
      return true
    }
    // Either another attempt holds the job, or a stop came while the handler failed by itself: then it ends here.
    const stopped = { as: 'ended', end: STOPPED, effect: undefined } as const
    return yield* end(tx, kinds, { job, finish: stopped, now })
  })
}

function* end(
  tx: Tx,
  kinds: JobKinds,
  {
    job: { id, attempt, concurrencyKey },
    finish,
    now,
  }: FinishInput & { finish: Exclude<Finish, { as: 'retry' }> },
): Steps<boolean> {
  const state = finish.as === 'done' ? 'done' : finish.end.state
  const error = finish.as === 'done' ? null : `${finish.end.code}: ${finish.end.message}`
  const ended = yield* tx.run(endAttempt, { id, attempt, state, now, error, losses: 0 })
  if (ended === 0) return false
  if (finish.effect) yield* perform(tx, finish.effect)
  else if (finish.as === 'ended') {
    const row = yield* tx.first(findJob, { id })
    if (row) yield* runEnded(tx, kinds, row, finish.end)
  }
  yield* unblockNext(tx, { id, concurrencyKey, now })
  return true
}

function* perform(tx: Tx, { command: given, input }: Effect): Steps<void> {
  // `effect` has put the command and its input together.
  yield* resolveCommand(given).steps(tx, input as never)
}

/** `cancelled` at once, `stopping` when a worker has yet to let go, `ended` when it was too late. */
export type CancelResult = 'cancelled' | 'stopping' | 'ended'

/**
 * Cancels a job in any state and from any process. A waiting one ends here; a running one gets a stop
 * request, which is durable first and then published to its worker.
 */
export function createCancel(kinds: JobKinds): Command<{ id: number; now: number }, CancelResult> {
  return command('queue.cancel', function* (tx, { id, now }) {
    const row = yield* tx.first(findJob, { id })
    if (!row || row.endedAt !== null) return 'ended'
    if (row.state === 'running') {
      yield* tx.run(requestStop, { id, now })
      tx.notify(JOB_STOP, id)
      return 'stopping'
    }
    yield* endWaiting(tx, kinds, { row, end: STOPPED, now })
    return 'cancelled'
  })
}

/** Fails a ready job whose deadline has passed while it waited (for a paused provider, say). */
export function createExpire(kinds: JobKinds): Command<{ id: number; now: number }, boolean> {
  return command('queue.expire', function* (tx, { id, now }) {
    const row = yield* tx.first(findJob, { id })
    if (row?.state !== 'ready' || row.deadlineAt === null || row.deadlineAt > now) return false
    yield* endWaiting(tx, kinds, { row, end: OVERTIME, now })
    return true
  })
}

/** Ends a job that no worker runs, with what its kind does about it. */
function* endWaiting(
  tx: Tx,
  kinds: JobKinds,
  { row, end, now }: { row: JobRow; end: JobEnd; now: number },
): Steps<void> {
  const error = end.cause === 'stop' ? null : `${end.code}: ${end.message}`
  yield* tx.run(endWaitingJob, { id: row.id, state: end.state, now, error })
  yield* leaveBlocked(tx, row)
  yield* runEnded(tx, kinds, row, end)
  // A blocked job has others before it; only the end of the active one makes the next ready.
  if (row.state === 'ready') yield* unblockNext(tx, { ...row, now })
}

/** What its kind does when a job ends without being done, in the same transaction. */
export function* runEnded(tx: Tx, kinds: JobKinds, row: JobRow, end: JobEnd): Steps<void> {
  const kind = kinds.get(row.kind)
  if (!kind?.ended) return
  const job = read(row, kind)
  if (job) yield* kind.ended(tx, job, end)
}

/** Asks its kind about another try, in the same transaction; gives how the job ends instead, if it does. */
export function* askBeforeRetry(tx: Tx, kinds: JobKinds, row: JobRow): Steps<JobEnd | undefined> {
  // A stop request ends the job anyway.
  if (row.state !== 'running' || row.stopRequestedAt !== null) return undefined
  const kind = kinds.get(row.kind)
  if (!kind?.beforeRetry) return undefined
  const job = read(row, kind)
  return job && (yield* kind.beforeRetry(tx, job))
}

/** Undefined for a body that cannot be read: the job has had no effect to undo, and still ends. */
function read(row: JobRow, kind: JobKind): Job | undefined {
  try {
    return toJob(row, kind.parse)
  } catch {
    return undefined
  }
}
