import { isDatabaseFault } from '#src/database/fault.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import { describeError } from '#src/lib/log-error.ts'
import { type JobOutcome, type Meters, noMeters } from '#src/lib/meters.ts'
import type { Random } from '#src/lib/random.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { traceIdOf } from '#src/lib/trace.ts'
import { type Finish, OVERTIME, STOPPED } from './finish.ts'
import {
  Discard,
  type JobEnd,
  type JobKind,
  type JobRow,
  RetryAfter,
  Snooze,
  Stopped,
  toJob,
} from './job.ts'
import type { Queue } from './queue.ts'

export interface WorkerDeps {
  database: Database
  queue: Queue
  clock: Clock
  random: Random
  log: Log
  meters?: Meters
}

/** A job that threw this often fails. */
export const MAX_ERRORS = 5
const COMMIT_RETRIES = 5

/** Runs the handler of a claimed job, calls `over` when it has ended, and writes how. Never throws. */
export async function runAttempt(
  deps: WorkerDeps,
  kind: JobKind,
  row: JobRow,
  signal: AbortSignal,
  over: () => void,
): Promise<void> {
  const reportEnd = reportStart(deps, row)
  const finish = await outcome(deps, kind, row, signal)
  over()
  if (!finish) return reportEnd('lost')
  const refusal = await write(deps, row, finish)
  if (refusal === undefined) return reportEnd(outcomeOf(finish))
  // What its end was to write is what cannot be written: that is the job's own fault, not the disk's.
  const again = finish.as === 'retry' ? undefined : afterError(deps, row, refusal)
  if (again) await write(deps, row, again)
  reportEnd(outcomeOf(again ?? finish))
}

/** The end of an attempt, or undefined where the job is another worker's now. */
async function outcome(
  deps: WorkerDeps,
  kind: JobKind,
  row: JobRow,
  signal: AbortSignal,
): Promise<Finish | undefined> {
  const { clock, log } = deps
  if (row.deadlineAt !== null && row.deadlineAt <= clock.now()) return ended(OVERTIME)
  let job: ReturnType<typeof toJob>
  try {
    job = toJob(row, kind.parse)
  } catch (error) {
    log.error({ ...named(row), err: error }, 'job has a body its kind cannot read')
    return ended(failed('unreadable', 'its body could not be read'))
  }
  try {
    const effect = await kind.run(job, signal)
    return { as: 'done', effect: effect ?? undefined }
  } catch (error) {
    if (error instanceof Stopped) return { as: 'ended', end: STOPPED, effect: error.effect }
    if (!signal.aborted) return afterError(deps, row, error)
    if (signal.reason === 'lost') return undefined
    if (signal.reason === 'stop') return ended(STOPPED)
    return { as: 'retry', dueAt: clock.now(), countsError: false, error: null, attempt: 'begun' }
  }
}

function afterError({ clock, random, log }: WorkerDeps, row: JobRow, error: unknown): Finish {
  // As it would be logged: it is kept for longer than its room and its user.
  const { message } = describeError(error)
  const code = codeOf(error)
  if (error instanceof Discard) return ended(failed(code, message))
  const countsError = !(error instanceof Snooze)
  const errors = row.errors + (countsError ? 1 : 0)
  if (errors >= MAX_ERRORS) return ended(failed(code, message))
  const asked = error instanceof Snooze || error instanceof RetryAfter
  const delayMs = asked ? Math.max(0, Math.ceil(error.delayMs)) : backoffMs(errors, random.int)
  const dueAt = clock.now() + delayMs
  if (row.deadlineAt !== null && dueAt >= row.deadlineAt) {
    return ended({ state: 'failed', cause: 'deadline', code, message })
  }
  log.warn({ ...named(row), errors, delayMs, err: error }, 'job will be tried again')
  const attempt = countsError ? 'begun' : error.unused ? 'unused' : 'snoozed'
  return { as: 'retry', dueAt, countsError, error: message, attempt }
}

function ended(end: JobEnd): Finish {
  return { as: 'ended', end, effect: undefined }
}

function failed(code: string, message: string): JobEnd {
  return { state: 'failed', cause: 'error', code, message }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'error'
}

/**
 * Writes the end and gives what its effect threw, if anything. The work is done, so a commit that fails (a
 * full disk, say) is worth trying again while the lease holds.
 */
async function write(
  deps: WorkerDeps,
  row: JobRow,
  finish: Finish,
): Promise<NonNullable<unknown> | undefined> {
  const { database, queue, clock, log } = deps
  const { id, kind, attempt, concurrencyKey } = row
  const job = { id, kind, attempt, concurrencyKey }
  for (let tries = 1; tries <= COMMIT_RETRIES; tries++) {
    try {
      const isHeld = await database.run(queue.commands.finish, { job, finish, now: clock.now() })
      if (!isHeld) log.warn(named(row), 'result refused: the job is another worker’s now')
      return undefined
    } catch (error) {
      log.error({ ...named(row), err: error, tries }, 'could not write how a job ended')
      if (!isDatabaseFault(error)) return error ?? new Error('thrown without a reason')
      if (tries < COMMIT_RETRIES) await new Promise<void>((resolve) => clock.after(SECOND, resolve))
    }
  }
  return undefined
}

/** A job as each of its log lines names it; its trace is that of the request that caused it. */
function named({ id, kind, attempt, trace }: JobRow) {
  return { job: id, kind, attempt, traceId: traceIdOf(trace) }
}

/** Reports the start of an attempt to the meters; gives what reports its end to them and to the log. */
function reportStart(deps: WorkerDeps, row: JobRow): (outcome: JobOutcome) => void {
  const { clock, log, meters = noMeters } = deps
  const startedAt = clock.now()
  const waitMs = startedAt - row.dueAt
  meters.jobStarted(row.kind, waitMs)
  return (outcome) => {
    const ms = clock.now() - startedAt
    meters.jobEnded(row.kind, outcome, ms)
    log.info({ ...named(row), outcome, ms, waitMs }, 'job')
  }
}

function outcomeOf(finish: Finish): JobOutcome {
  if (finish.as === 'ended') return finish.end.state
  return finish.as
}

/**
 * Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"):
 * uniform between 0 and the ceiling, which doubles from 1 s to 60 s.
 * @param errors how often it has failed, 1 at the first failure
 * @param random a whole number, 0 ≤ n < below
 */
export function backoffMs(errors: number, random: (below: number) => number): number {
  return random(backoffCeilingMs(errors) + 1)
}

export function backoffCeilingMs(errors: number): number {
  return Math.min(MINUTE, SECOND * 2 ** Math.max(0, errors - 1))
}
