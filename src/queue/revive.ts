import { syncCommand } from '#src/database/command.ts'
import { JOB_READY } from './enqueue.ts'
import { prepareLanes } from './lane.ts'
import type { JobRow } from './row.ts'
import { BY_ID, REVIVE } from './sql.ts'

/** `busy`: another job with its dedupe key waits or runs already; `not-ended` also means done. */
export type ReviveResult = 'revived' | 'unknown' | 'not-ended' | 'busy'

/** Gives a failed or cancelled job another chance, behind those of its lane that are under way. */
export const revive = syncCommand('queue.revive', (connection) => {
  const { sqlite } = connection
  const lanes = prepareLanes(connection)
  const byId = sqlite.query<JobRow, [number]>(BY_ID)
  const again = sqlite.query<{ kind: string }, [Record<string, string | number | null>]>(REVIVE)
  const taken = sqlite.query<unknown, [string]>(
    'SELECT 1 FROM jobs WHERE dedupe_key = ?1 AND ended_at IS NULL',
  )
  return (tx, { id, now }: { id: number; now: number }): ReviveResult => {
    const row = byId.get(id)
    if (!row) return 'unknown'
    if (row.state !== 'failed' && row.state !== 'cancelled') return 'not-ended'
    if (row.dedupe_key !== null && taken.get(row.dedupe_key)) return 'busy'
    const behind = row.lane === null ? null : lanes.last(row.lane)
    again.run({ id, state: behind === null ? 'ready' : 'parked', behind, now })
    if (behind === null) tx.notify(JOB_READY, row.kind)
    else if (row.lane !== null) lanes.join(row.lane, id)
    return 'revived'
  }
})
