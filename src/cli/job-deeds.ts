import { syncCommand } from '#src/database/command.ts'
import { audit } from '#src/modules/audit/audit.ts'
import type { Queue } from '#src/queue/queue.ts'
import { type ReviveResult, revive } from '#src/queue/revive.ts'
import type { JobRow } from '#src/queue/row.ts'

interface Deed {
  job: Pick<JobRow, 'id' | 'kind'>
  now: number
}

function entry(event: string, { job: { id, kind }, now }: Deed) {
  return { at: now, event, userId: null, actor: 'operator' as const, detail: { job: id, kind } }
}

/** Gives a job another chance, and writes down that an operator did. */
export const retryJob = syncCommand('operator.retry-job', () => (tx, deed: Deed): ReviveResult => {
  const result = tx.run(revive, { id: deed.job.id, now: deed.now })
  if (result === 'revived') tx.run(audit, entry('job.retried', deed))
  return result
})

/** Cancels a job, and writes down that an operator did. */
export const createCancelJob = (queue: Queue) =>
  syncCommand('operator.cancel-job', () => (tx, deed: Deed) => {
    const result = queue.cancel(tx, deed.job.id)
    if (result !== 'ended') tx.run(audit, entry('job.cancelled', deed))
    return result
  })
