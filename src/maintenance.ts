import { join } from 'node:path'
import type { Config } from './config/config.ts'
import { nightlyName, pruneBackups } from './database/sqlite/backup-folder.ts'
import { backupInProcess } from './database/sqlite/backup-process.ts'
import { WRITER_CHECKPOINT } from './database/sqlite/remote-writer.ts'
import type { Clock } from './lib/clock.ts'
import type { Maintenance } from './lib/maintenance.ts'
import { DAY } from './lib/time.ts'
import { type KeyPlace, pruneIdempotencyKeys } from './modules/idempotency/commands.ts'
import { prune as pruneJobs } from './queue/stats.ts'
import type { Deps } from './services.ts'

const PRUNE_LIMIT = 500

/** What belongs to no module: ended jobs, old idempotency keys, the write-ahead log. */
export function createMaintenance({ database, clock, config }: Deps): Maintenance[] {
  return [
    ...nightlyBackup(config, clock),
    {
      name: 'prune ended jobs',
      pattern: '*/10 * * * *',
      run() {
        const endedBefore = clock.now() - config.jobRetentionDays * DAY
        return inSmallCommits((limit) => database.run(pruneJobs, { endedBefore, limit }))
      },
    },
    {
      name: 'prune idempotency keys',
      pattern: '5 * * * *',
      async run() {
        const now = clock.now()
        let count = 0
        let after: KeyPlace | undefined
        do {
          const step = { now, after, limit: PRUNE_LIMIT }
          const { pruned, last } = await database.run(pruneIdempotencyKeys, step)
          count += pruned
          after = last
        } while (after)
        return count
      },
    },
    {
      name: 'checkpoint the write-ahead log',
      pattern: '* * * * *',
      everywhere: true,
      async run() {
        if (database.thread) database.thread.tell(WRITER_CHECKPOINT, null)
        else database.checkpoint()
      },
    },
  ]
}

/** So that requests come in between. */
async function inSmallCommits(prune: (limit: number) => Promise<number>): Promise<number> {
  let count = 0
  let pruned: number
  do {
    pruned = await prune(PRUNE_LIMIT)
    count += pruned
  } while (pruned === PRUNE_LIMIT)
  return count
}

function nightlyBackup(config: Config, clock: Clock): Maintenance[] {
  const { backupDir, backupKeep, databasePath } = config
  if (backupDir === undefined) return []
  return [
    {
      name: 'back the database up',
      pattern: '15 3 * * *',
      timezone: config.quotaTimezone,
      async run(signal) {
        const target = join(backupDir, nightlyName(clock.now()))
        await backupInProcess({ source: databasePath, target, signal })
        return { target, removed: pruneBackups(backupDir, backupKeep) }
      },
    },
  ]
}
