import { isDatabaseFault } from '#src/database/fault.ts'
import { describeError } from '#src/lib/log-error.ts'
import { SECOND } from '#src/lib/time.ts'
import { backoffMs } from './backoff.ts'
import type { WorkerDeps } from './deps.ts'
import { OVERTIME, STOPPED } from './end.ts'
import type { Finish } from './finish.ts'
import { Discard, type JobEnd, type JobKind, RetryAfter, Snooze, Stopped } from './job.ts'
import { type JobRow, toJob } from './row.ts'
import { named, outcomeOf, tellStart } from './tell.ts'

/** A job that threw this often fails. */
export const MAX_ERRORS = 5
const COMMIT_RETRIES = 5

/** Runs the handler of one claim, says when that is `over`, and writes how it ended. Never throws. */
export async function runClaim(
  deps: WorkerDeps,
  kind: JobKind,
  row: JobRow,
  signal: AbortSignal,
  over: () => void,
): Promise<void> {
  const tellEnd = tellStart(deps, row)
  const finish = await outcome(deps, kind, row, signal)
  over()
  if (!finish) return tellEnd('lost')
  const refusal = await write(deps, row, finish)
  if (refusal === undefined) return tellEnd(outcomeOf(finish))
  // What its end was to write is what cannot be written: that is the job's own fault, not the disk's.
  const again = finish.as === 'retry' ? undefined : afterError(deps, row, refusal)
  if (again) await write(deps, row, again)
  tellEnd(outcomeOf(again ?? finish))
}

/** The end of a claim, or undefined where the job is another worker's now. */
async function outcome(
  deps: WorkerDeps,
  kind: JobKind,
  row: JobRow,
  signal: AbortSignal,
): Promise<Finish | undefined> {
  const { clock, log } = deps
  if (row.deadline_at !== null && row.deadline_at <= clock.now()) return ended(OVERTIME)
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
    return { as: 'retry', dueAt: clock.now(), countsError: false, error: null, claim: 'begun' }
  }
}

function afterError({ clock, random, log }: WorkerDeps, row: JobRow, error: unknown): Finish {
  // As the log would tell it: it is kept beyond its room and its user.
  const { message } = describeError(error)
  const code = codeOf(error)
  if (error instanceof Discard) return ended(failed(code, message))
  const countsError = !(error instanceof Snooze)
  const errors = row.errors + (countsError ? 1 : 0)
  if (errors >= MAX_ERRORS) return ended(failed(code, message))
  const asked = error instanceof Snooze || error instanceof RetryAfter
  const delayMs = asked ? Math.max(0, Math.ceil(error.delayMs)) : backoffMs(errors, random.int)
  const dueAt = clock.now() + delayMs
  if (row.deadline_at !== null && dueAt >= row.deadline_at) {
    return ended({ state: 'failed', cause: 'deadline', code, message })
  }
  log.warn({ ...named(row), errors, delayMs, err: error }, 'job will be tried again')
  const claim = countsError ? 'begun' : error.unused ? 'unused' : 'snoozed'
  return { as: 'retry', dueAt, countsError, error: message, claim }
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
  const { id, claims, lane } = row
  for (let attempt = 1; attempt <= COMMIT_RETRIES; attempt++) {
    try {
      const held = await database.execute(queue.commands.finish, {
        row: { id, claims, lane },
        finish,
        now: clock.now(),
      })
      if (!held) log.warn(named(row), 'result refused: the job is another worker’s now')
      return undefined
    } catch (error) {
      log.error({ ...named(row), err: error, attempt }, 'could not write how a job ended')
      if (!isDatabaseFault(error)) return error ?? new Error('thrown without a reason')
      if (attempt < COMMIT_RETRIES)
        await new Promise<void>((resolve) => clock.after(SECOND, resolve))
    }
  }
  return undefined
}
