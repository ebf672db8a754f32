import { setPriority } from 'node:os'
import type { Command } from 'commander'
import { parseSettings } from '#src/config/config.ts'
import { writeBackupGently } from '#src/database/sqlite/backup.ts'
import type { Terminal } from './terminal.ts'

/** A server beside it comes first, but its log grows until the copy is made. */
const LOW_PRIORITY = 10
const LOWEST_PRIORITY = 19

export function addBackup(program: Command, terminal: Terminal): void {
  program
    .command('backup')
    .description('write a verified copy of the database, also while a server runs')
    .argument('<file>', 'a new file')
    .option('--json', 'print JSON')
    .action((file, options) => run(terminal, file, options))
}

async function run(terminal: Terminal, file: string, options: { json?: true }): Promise<void> {
  const { databasePath } = parseSettings(terminal.environment, ['databasePath'])
  setPriority(LOW_PRIORITY)
  const backup = writeBackupGently(databasePath, file, () => setPriority(LOWEST_PRIORITY))
  await terminal.print(
    options.json ? JSON.stringify(backup) : `Wrote '${file}': ${backup.bytes} bytes, verified.`,
  )
}
