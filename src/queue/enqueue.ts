import { command } from '#src/database/command.ts'
import type { NewJob } from './job.ts'
import { INSERT, LANE_BUSY } from './sql.ts'

/** The topic on which a job that became ready is told, with its kind. */
export const JOB_READY = 'job.ready'

/**
 * Adds a job inside the caller's transaction, so a job and its cause commit together. Gives its id, or
 * undefined where a job with the same dedupe key has not ended yet.
 */
export const enqueue = command('queue.enqueue', ({ sqlite }) => {
  const laneBusy = sqlite.query<unknown, [string]>(LANE_BUSY)
  const insert = sqlite.query<unknown, [Record<string, string | number | null>]>(INSERT)
  return (tx, { job, now }: { job: NewJob; now: number }): number | undefined => {
    const dueAt = job.dueAt ?? now
    const state = job.lane !== undefined && laneBusy.get(job.lane) ? 'parked' : 'ready'
    const { changes, lastInsertRowid } = insert.run({
      kind: job.kind,
      lane: job.lane ?? null,
      owner: job.owner ?? null,
      state,
      body: JSON.stringify(job.body),
      dueAt,
      deadlineAt: job.deadlineAt ?? null,
      dedupeKey: job.dedupeKey ?? null,
      trace: job.trace ?? null,
      now,
    })
    if (changes === 0) return undefined
    if (state === 'ready') tx.notify(JOB_READY, job.kind)
    return Number(lastInsertRowid)
  }
})
