import type { Maintenance } from './lib/maintenance.ts'
import { DAY } from './lib/time.ts'
import { pruneIdempotencyKeys } from './plugins/idempotency.ts'
import { prune as pruneJobs } from './queue/prune.ts'
import type { Deps } from './services.ts'

const PRUNE_LIMIT = 500

/** What belongs to no module: ended jobs, old idempotency keys, the write-ahead log. */
export function createMaintenance({ database, clock, config }: Deps): Maintenance[] {
  return [
    {
      name: 'prune ended jobs',
      pattern: '*/10 * * * *',
      async run() {
        const endedBefore = clock.now() - config.jobRetentionDays * DAY
        let count = 0
        let pruned: number
        // In small commits, so that requests come in between.
        do {
          pruned = await database.execute(pruneJobs, { endedBefore, limit: PRUNE_LIMIT })
          count += pruned
        } while (pruned === PRUNE_LIMIT)
        return count
      },
    },
    {
      name: 'prune idempotency keys',
      pattern: '5 * * * *',
      run: () => database.execute(pruneIdempotencyKeys, { now: clock.now() }),
    },
    {
      name: 'checkpoint the write-ahead log',
      pattern: '* * * * *',
      run: async () => database.checkpoint(),
    },
  ]
}
