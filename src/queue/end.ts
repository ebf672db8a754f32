import { type Command, type SyncTx, syncCommand } from '#src/database/command.ts'
import { command, type Steps } from '#src/database/steps.ts'
import { JOB_READY } from './enqueue.ts'
import type { Job, JobEnd, JobKind } from './job.ts'
import { prepareLanes } from './lane.ts'
import { type JobRow, toJob } from './row.ts'
import { END_WAITING, PROMOTE } from './sql.ts'

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

/** Makes the job behind one that has ended ready. Every end of a head calls it, or the lane would stand still. */
export const promote: Command<Pick<JobRow, 'id' | 'lane'> & { now: number }, void> = syncCommand(
  'queue.promote',
  (connection) => {
    const lanes = prepareLanes(connection)
    const promote = connection.sqlite.query<unknown, [{ id: number; now: number }]>(PROMOTE)
    return (tx, { id, lane, now }) => {
      if (lane === null) return
      const job = lanes.next(id)
      if (!job) return
      promote.run({ id: job.id, now })
      lanes.moved(lane)
      tx.notify(JOB_READY, job.kind)
    }
  },
)

/** Ends a job that nobody runs, with what its kind does about it. */
export function createEndWaiting(
  kinds: JobKinds,
): Command<{ row: JobRow; end: JobEnd; now: number }, void> {
  return syncCommand('queue.endWaiting', (connection) => {
    const lanes = prepareLanes(connection)
    const endWaiting = connection.sqlite.query<unknown, [Record<string, string | number | null>]>(
      END_WAITING,
    )
    return (tx, { row, end, now }) => {
      const error = end.cause === 'stop' ? null : `${end.code}: ${end.message}`
      const { id, lane, behind } = row
      endWaiting.run({ id, state: end.state, now, error })
      if (lane !== null && behind !== null) lanes.leave({ id, lane, behind })
      runEnded(tx, kinds, row, end)
      // A parked job has others before it; only the head's end moves the lane.
      if (row.state === 'ready') tx.run(promote, { id, lane, now })
    }
  })
}

interface Ended {
  kind: JobKind
  job: Job
  end: JobEnd
}

const ended = command('queue.ended', function* (tx, { kind, job, end }: Ended) {
  yield* kind.ended?.(tx, job, end) ?? nothing()
})

const beforeRetry = command(
  'queue.before-retry',
  function* (tx, { kind, job }: Omit<Ended, 'end'>) {
    return yield* kind.beforeRetry?.(tx, job) ?? nothing()
  },
)

function* nothing(): Steps<undefined> {}

/** What its kind does when a job ends without being done, in the same transaction. */
export function runEnded(tx: SyncTx, kinds: JobKinds, row: JobRow, end: JobEnd): void {
  const kind = kinds.get(row.kind)
  const job = (kind?.ended || kind?.endedSync) && read(row, kind)
  if (!job) return
  tx.run(ended, { kind, job, end })
  kind.endedSync?.(tx, job, end)
}

/** Asks its kind about another try, in the same transaction; gives how the job ends instead, if it does. */
export function runBeforeRetry(tx: SyncTx, kinds: JobKinds, row: JobRow): JobEnd | undefined {
  // A stop request ends the job anyway.
  if (row.state !== 'running' || row.stop_requested_at !== null) return undefined
  const kind = kinds.get(row.kind)
  const job = kind?.beforeRetry && read(row, kind)
  if (!job) return undefined
  return tx.run(beforeRetry, { kind, job })
}

/** Undefined for a body nobody can read: it has no effect to undo, and the job still ends. */
function read(row: JobRow, kind: JobKind): Job | undefined {
  try {
    return toJob(row, kind.parse)
  } catch {
    return undefined
  }
}
