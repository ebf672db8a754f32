import { type Command, command, type Tx } from '#src/database/command.ts'
import { JOB_READY } from './enqueue.ts'
import type { JobEnd, JobKind } from './job.ts'
import { type JobRow, toJob } from './row.ts'
import { PROMOTE } from './sql.ts'

export type JobKinds = ReadonlyMap<string, JobKind>

/** Makes the next job of the lane ready. Every end of a job calls it, or the lane would stand still. */
export const promote: Command<{ lane: string | null; now: number }, void> = command(
  'queue.promote',
  ({ sqlite }) => {
    const next = sqlite.query<{ kind: string }, [{ lane: string; now: number }]>(PROMOTE)
    return (tx, { lane, now }) => {
      if (lane === null) return
      const promoted = next.get({ lane, now })
      if (promoted) tx.notify(JOB_READY, promoted.kind)
    }
  },
)

/** What its kind does when a job ends without being done, in the same transaction. */
export function runEnded(tx: Tx, kinds: JobKinds, row: JobRow, end: JobEnd): void {
  const kind = kinds.get(row.kind)
  if (!kind?.ended) return
  let job: ReturnType<typeof toJob>
  try {
    job = toJob(row, kind.parse)
  } catch {
    // A body nobody can read has no effect to undo; the job still ends.
    return
  }
  kind.ended(tx, job, end)
}
