import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Log } from '#src/lib/log.ts'
import { stamp } from './backup-folder.ts'
import type { LostFile } from './file-watch.ts'
import type { Database } from './open.ts'

/** Whether serving goes on, all that could be done is done, or it has to be tried again. */
type Rescue = 'serving' | 'over' | 'failed'

/**
 * Saves what was committed before somebody took the files away: SQLite still has them open. A log is put
 * back in its place and serving goes on; of a deleted or replaced database a copy is written, for an
 * operator to restore.
 */
export function rescue(
  database: Database,
  { path, lost, now, log }: { path: string; lost: LostFile; now: number; log: Log },
): Rescue {
  const copy = `${path}.rescued-${stamp(now)}`
  try {
    // Another request of this turn of the loop may be reading; neither statement runs inside of a transaction.
    database.snapshot.release()
    if (lost.what === 'log') {
      // Leaving WAL mode moves the whole log into the file, entering it makes a new one.
      database.sqlite.run('PRAGMA journal_mode = DELETE')
      database.sqlite.run('PRAGMA journal_mode = WAL')
      database.watch.reset()
      log.warn('everything from the deleted write-ahead log was saved; writing goes on')
      return 'serving'
    }
    mkdirSync(dirname(path), { recursive: true })
    database.sqlite.query('VACUUM INTO ?').run(copy)
    log.error(
      { copy },
      `Everything was saved to '${copy}'. Stop the server, run: pollux restore ${copy}, and start it again.`,
    )
    return 'over'
  } catch (error) {
    // Half a copy at each attempt would fill the disk.
    rmSync(copy, { force: true })
    log.error({ err: error }, 'the lost database could not be saved yet')
    return 'failed'
  }
}
