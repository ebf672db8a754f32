import { type Command, syncCommand } from '#src/database/command.ts'
import { createEndWaiting, type JobKinds, STOPPED } from './end.ts'
import type { JobRow } from './row.ts'
import { BY_ID, REQUEST_STOP } from './sql.ts'

/** The topic on which a stop request is told, with the job's id. */
export const JOB_STOP = 'job.stop'

/** `cancelled` at once, `stopping` when a worker has yet to let go, `ended` when it was too late. */
export type CancelResult = 'cancelled' | 'stopping' | 'ended'

/**
 * Cancels a job in any state and from any process. A waiting one ends here; a running one gets a stop
 * request, which is durable first and then told to its worker.
 */
export function createCancel(kinds: JobKinds): Command<{ id: number; now: number }, CancelResult> {
  const endWaiting = createEndWaiting(kinds)
  return syncCommand('queue.cancel', ({ sqlite }) => {
    const byId = sqlite.query<JobRow, [number]>(BY_ID)
    const requestStop = sqlite.query<unknown, [{ id: number; now: number }]>(REQUEST_STOP)
    return (tx, { id, now }) => {
      const row = byId.get(id)
      if (!row || row.ended_at !== null) return 'ended'
      if (row.state === 'running') {
        requestStop.run({ id, now })
        tx.notify(JOB_STOP, id)
        return 'stopping'
      }
      tx.run(endWaiting, { row, end: STOPPED, now })
      return 'cancelled'
    }
  })
}
