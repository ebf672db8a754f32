import { syncCommand } from '#src/database/command.ts'
import type { NewJob } from './job.ts'
import { prepareLanes } from './lane.ts'
import { INSERT } from './sql.ts'

/** The topic on which a job that became ready is told, with its kind. */
export const JOB_READY = 'job.ready'

/**
 * Adds a job inside the caller's transaction, so a job and its cause commit together. Gives its id, or
 * undefined where a job with the same dedupe key has not ended yet.
 */
export const enqueue = syncCommand('queue.enqueue', (connection) => {
  const lanes = prepareLanes(connection)
  const insert = connection.sqlite.query<unknown, [Record<string, string | number | null>]>(INSERT)
  return (tx, { job, now }: { job: NewJob; now: number }): number | undefined => {
    const dueAt = job.dueAt ?? now
    const behind = job.lane === undefined ? null : lanes.last(job.lane)
    const { changes, lastInsertRowid } = insert.run({
      kind: job.kind,
      lane: job.lane ?? null,
      owner: job.owner ?? null,
      behind,
      state: behind === null ? 'ready' : 'parked',
      body: JSON.stringify(job.body),
      dueAt,
      deadlineAt: job.deadlineAt ?? null,
      dedupeKey: job.dedupeKey ?? null,
      trace: job.trace ?? null,
      now,
    })
    if (changes === 0) return undefined
    const id = Number(lastInsertRowid)
    if (behind === null) tx.notify(JOB_READY, job.kind)
    else if (job.lane !== undefined) lanes.join(job.lane, id)
    return id
  }
})
