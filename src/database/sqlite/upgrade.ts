import { dirname, join } from 'node:path'
import type { Log } from '#src/lib/log.ts'
import { writeBackup } from './backup.ts'
import { beforeUpgradeName } from './backup-folder.ts'
import { type Migration, migrate, pendingMigrations } from './migrate.ts'
import type { Database } from './open.ts'

export interface UpgradeOptions {
  /** The database file, or `:memory:`. */
  path: string
  /** Where the backup goes; beside the database where there is none. */
  backupDir: string | undefined
  now: number
  log: Log
  known?: Migration[]
}

/**
 * Applies what is pending. Where there is something to lose, a verified backup comes first: migrations only
 * go forward, so it is the way back. Called before anything serves. Gives the names applied.
 * @throws DatabaseFromTheFuture, and whatever keeps the backup from being written: then nothing is migrated
 */
export function upgrade(database: Database, options: UpgradeOptions): string[] {
  const { path, backupDir, now, log, known } = options
  const migrations = known && { known }
  const [first] = pendingMigrations(database.sqlite, known)
  if (first === undefined) return []
  const isNew = !database.sqlite.query('SELECT 1 FROM sqlite_schema LIMIT 1').get()
  if (!isNew && path !== ':memory:') {
    const target = join(backupDir ?? dirname(path), beforeUpgradeName(first, now))
    const { bytes } = writeBackup(path, target)
    log.info({ backup: target, bytes }, 'backed up before the migration')
  }
  const applied = migrate(database.sqlite, { now, ...migrations })
  log.info({ applied }, 'database migrated')
  return applied
}
