import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { parseSettings } from '#src/config/config.ts'
import { DatabaseInUse, lockForMigration } from '#src/database/sqlite/lock.ts'
import { pendingMigrations } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { upgrade } from '#src/database/sqlite/upgrade.ts'
import { systemClock } from '#src/lib/clock.ts'
import { createLog } from '#src/lib/log.ts'
import { Failure, type Terminal } from './terminal.ts'

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
  // Before the file is opened: two that make a new one at once would meet SQLite's lock.
  const unlock = options.check ? undefined : lockUnlessServed(databasePath)
  const database = openDatabase(databasePath)
  try {
    const pending = pendingMigrations(database.sqlite)
    if (options.check) {
      if (options.json) await terminal.print(JSON.stringify({ pending }))
      if (pending.length > 0) throw new Failure(`Pending: ${pending.join(', ')}.`)
      if (!options.json) await terminal.print('Nothing is pending.')
      return
    }
    // The statements of a running server would not fit what a newer binary makes of its tables.
    if (pending.length > 0 && !unlock) throw new DatabaseInUse(databasePath)
    const applied = upgrade(database, {
      path: databasePath,
      backupDir,
      now: systemClock.now(),
      log: createLog('warn'),
    })
    const told = applied.length > 0 ? `Applied: ${applied.join(', ')}.` : 'Nothing was pending.'
    await terminal.print(options.json ? JSON.stringify({ applied }) : told)
  } finally {
    database.close()
    unlock?.()
  }
}

/** Undefined while a server runs. */
function lockUnlessServed(path: string): (() => void) | undefined {
  try {
    return lockForMigration(path)
  } catch (error) {
    if (error instanceof DatabaseInUse) return undefined
    throw error
  }
}
