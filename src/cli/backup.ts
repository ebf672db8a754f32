import { setPriority } from 'node:os'
import type { Command } from 'commander'
import { parseSettings } from '#src/config/config.ts'
import { writeBackup } from '#src/database/backup.ts'
import type { Terminal } from './terminal.ts'

/** A server beside it comes first. */
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
  setPriority(LOWEST_PRIORITY)
  const backup = writeBackup(databasePath, file)
  await terminal.print(
    options.json ? JSON.stringify(backup) : `Wrote '${file}': ${backup.bytes} bytes, verified.`,
  )
}
