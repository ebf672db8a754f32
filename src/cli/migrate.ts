import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { parseSettings } from '#src/config/config.ts'
import { lockDatabase } from '#src/database/lock.ts'
import { pendingMigrations } from '#src/database/migrate.ts'
import { type Database, openDatabase } from '#src/database/open.ts'
import { upgrade } from '#src/database/upgrade.ts'
import { systemClock } from '#src/lib/clock.ts'
import { createLog } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
import { Failure, type Terminal } from './terminal.ts'

/** Another migration may be under way, which is short. */
const LOCK_WAIT_MS = 3 * SECOND

export function addMigrate(program: Command, terminal: Terminal): void {
  program
    .command('migrate')
    .description('apply pending migrations, after a backup where there is something to lose')
    .option('--check', 'change nothing; exit 1 when some are pending')
    .option('--json', 'print JSON')
    .action((options) => run(terminal, options))
}

async function run(terminal: Terminal, options: { check?: true; json?: true }): Promise<void> {
  const { databasePath, backupDir } = parseSettings(terminal.environment, [
    'databasePath',
    'backupDir',
  ])
  if (options.check && !existsSync(databasePath)) {
    throw new Failure(`There is no database at '${databasePath}' yet.`)
  }
  const database = openDatabase(databasePath)
  try {
    if (options.check) {
      const pending = pendingMigrations(database.sqlite)
      if (options.json) await terminal.print(JSON.stringify({ pending }))
      if (pending.length > 0) throw new Failure(`Pending: ${pending.join(', ')}.`)
      if (!options.json) await terminal.print('Nothing is pending.')
      return
    }
    const applied = apply(database, databasePath, backupDir)
    const told = applied.length > 0 ? `Applied: ${applied.join(', ')}.` : 'Nothing was pending.'
    await terminal.print(options.json ? JSON.stringify({ applied }) : told)
  } finally {
    database.close()
  }
}

/**
 * Two of these at once apply and back up one after the other. Beneath a running server, which knows only the older
 * tables, nothing is changed. @throws DatabaseInUse
 */
function apply(database: Database, path: string, backupDir: string | undefined): string[] {
  if (pendingMigrations(database.sqlite).length === 0) return []
  const unlock = lockDatabase(path, LOCK_WAIT_MS)
  try {
    return upgrade(database, { path, backupDir, now: systemClock.now(), log: createLog('warn') })
  } finally {
    unlock()
  }
}
