import type { Command } from 'commander'
import { parseSettings } from '#src/config/config.ts'
import { restoreBackup } from '#src/database/sqlite/restore.ts'
import { systemClock } from '#src/lib/clock.ts'
import { visible } from '#src/lib/visible.ts'
import type { Terminal } from './terminal.ts'

export function addRestore(program: Command, terminal: Terminal): void {
  program
    .command('restore')
    .description(
      'put a backup in the place of the database; what it replaces is kept. Stop the server first',
    )
    .argument('<file>', 'a backup')
    .option('--json', 'print JSON')
    .action((file, options) => run(terminal, file, options))
}

async function run(terminal: Terminal, file: string, options: { json?: true }): Promise<void> {
  const { databasePath } = parseSettings(terminal.environment, ['databasePath'])
  const restored = restoreBackup(file, databasePath, systemClock.now())
  if (options.json) {
    await terminal.print(JSON.stringify({ restored: databasePath, ...restored }))
    return
  }
  const { replaced, pending } = restored
  const lines = [
    `'${databasePath}' is now what '${file}' holds, verified.`,
    ...(replaced === undefined ? [] : [`What was there is kept as '${replaced}'.`]),
    ...(pending.length === 0 ? [] : [`The next start will migrate it: ${pending.join(', ')}.`]),
  ]
  await terminal.print(lines.map(visible).join('\n'))
}
