import { syncCommand } from '#src/database/command.ts'
import { PRUNE } from './sql.ts'

/** Deletes up to `limit` jobs that ended before the instant; gives how many, so that the caller can go on. */
export const prune = syncCommand('queue.prune', ({ sqlite }) => {
  const remove = sqlite.query<{ id: number }, [number, number]>(PRUNE)
  return (_tx, { endedBefore, limit }: { endedBefore: number; limit: number }): number =>
    remove.all(endedBefore, limit).length
})
