import { type Command, command } from '#src/database/command.ts'
import { type JobKinds, promote, runEnded } from './end.ts'
import type { JobEnd } from './job.ts'
import type { JobRow } from './row.ts'
import { BY_ID, END_WAITING, REQUEST_STOP } from './sql.ts'

/** The topic on which a stop request is told, with the job's id. */
export const JOB_STOP = 'job.stop'

/** `cancelled` at once, `stopping` when a worker has yet to let go, `ended` when it was too late. */
export type CancelResult = 'cancelled' | 'stopping' | 'ended'

/**
 * Cancels a job in any state and from any process. A waiting one ends here; a running one gets a stop
 * request, which is durable first and then told to its worker.
 */
export function createCancel(kinds: JobKinds): Command<{ id: number; now: number }, CancelResult> {
  return command('queue.cancel', ({ sqlite }) => {
    const byId = sqlite.query<JobRow, [number]>(BY_ID)
    const requestStop = sqlite.query<unknown, [{ id: number; now: number }]>(REQUEST_STOP)
    const endWaiting = sqlite.query<unknown, [Record<string, string | number | null>]>(END_WAITING)
    return (tx, { id, now }) => {
      const row = byId.get(id)
      if (!row || row.ended_at !== null) return 'ended'
      if (row.state === 'running') {
        requestStop.run({ id, now })
        tx.notify(JOB_STOP, id)
        return 'stopping'
      }
      const end: JobEnd = {
        state: 'cancelled',
        cause: 'stop',
        code: 'cancelled',
        message: 'stopped on request',
      }
      endWaiting.run({ id, state: end.state, now, error: null })
      runEnded(tx, kinds, row, end)
      // A parked job has others before it; only the head's end moves the lane.
      if (row.state === 'ready') tx.run(promote, { lane: row.lane, now })
      return 'cancelled'
    }
  })
}
