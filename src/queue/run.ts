import { SECOND } from '#src/lib/time.ts'
import { backoffMs } from './backoff.ts'
import type { WorkerDeps } from './deps.ts'
import type { Finish } from './finish.ts'
import { Discard, type JobEnd, type JobKind, Snooze, Stopped } from './job.ts'
import { type JobRow, toJob } from './row.ts'

/** A job that threw this often fails. */
export const MAX_ERRORS = 5
const COMMIT_RETRIES = 5

/** Runs the handler of one claim and writes how it ended. Never throws. */
export async function runClaim(
  deps: WorkerDeps,
  kind: JobKind,
  row: JobRow,
  signal: AbortSignal,
): Promise<void> {
  const finish = await outcome(deps, kind, row, signal)
  if (!finish) return
  await write(deps, row, finish)
}

async function outcome(
  deps: WorkerDeps,
  kind: JobKind,
  row: JobRow,
  signal: AbortSignal,
): Promise<Finish | undefined> {
  const { clock, random, log } = deps
  const end = (cause: JobEnd['cause'], code: string, message: string): Finish => ({
    as: 'ended',
    end: { state: cause === 'stop' ? 'cancelled' : 'failed', cause, code, message },
    effect: undefined,
  })
  if (row.deadline_at !== null && row.deadline_at <= clock.now()) {
    return end('deadline', 'deadline', 'not done before its deadline')
  }
  let job: ReturnType<typeof toJob>
  try {
    job = toJob(row, kind.parse)
  } catch (error) {
    log.error({ err: error, job: row.id, kind: row.kind }, 'job has a body its kind cannot read')
    return end('error', 'unreadable', 'its body could not be read')
  }
  try {
    const effect = await kind.run(job, signal)
    return { as: 'done', effect: effect ?? undefined }
  } catch (error) {
    if (error instanceof Stopped) {
      return { ...end('stop', 'cancelled', 'stopped on request'), effect: error.effect } as Finish
    }
    if (signal.aborted) {
      if (signal.reason === 'lost') return undefined
      if (signal.reason === 'stop') return end('stop', 'cancelled', 'stopped on request')
      return { as: 'retry', dueAt: clock.now(), countsError: false, error: null }
    }
    if (error instanceof Discard) return end('error', error.code, error.message)
    const message = error instanceof Error ? error.message : String(error)
    const errors = row.errors + 1
    const snoozed = error instanceof Snooze
    const code = codeOf(error)
    if (!snoozed && errors >= MAX_ERRORS) return end('error', code, message)
    const delayMs = snoozed ? error.delayMs : backoffMs(errors, random.int)
    const dueAt = clock.now() + delayMs
    if (row.deadline_at !== null && dueAt >= row.deadline_at) return end('deadline', code, message)
    log.warn(
      { job: row.id, kind: row.kind, errors, delayMs, err: error },
      'job will be tried again',
    )
    return { as: 'retry', dueAt, countsError: !snoozed, error: message }
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'error'
}

/** The work is done; a commit that fails (a full disk, say) is worth trying again while the lease may hold. */
async function write(deps: WorkerDeps, row: JobRow, finish: Finish): Promise<void> {
  const { database, queue, clock, log } = deps
  for (let attempt = 1; ; attempt++) {
    try {
      const held = await database.execute(queue.commands.finish, { row, finish, now: clock.now() })
      if (!held)
        log.warn(
          { job: row.id, claims: row.claims },
          'result refused: the job is another worker’s now',
        )
      return
    } catch (error) {
      log.error({ err: error, job: row.id, attempt }, 'could not write how a job ended')
      if (attempt === COMMIT_RETRIES) return
      await new Promise<void>((resolve) => clock.after(SECOND, resolve))
    }
  }
}
