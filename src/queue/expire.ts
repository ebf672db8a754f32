import { type Command, syncCommand } from '#src/database/command.ts'
import { createEndWaiting, type JobKinds, OVERTIME } from './end.ts'
import type { JobRow } from './row.ts'
import { BY_ID } from './sql.ts'

/** Fails the head of a lane whose deadline has passed while it waited (for a paused provider, say). */
export function createExpire(kinds: JobKinds): Command<{ id: number; now: number }, boolean> {
  const endWaiting = createEndWaiting(kinds)
  return syncCommand('queue.expire', ({ sqlite }) => {
    const byId = sqlite.query<JobRow, [number]>(BY_ID)
    return (tx, { id, now }) => {
      const row = byId.get(id)
      if (row?.state !== 'ready' || row.deadline_at === null || row.deadline_at > now) return false
      tx.run(endWaiting, { row, end: OVERTIME, now })
      return true
    }
  })
}
