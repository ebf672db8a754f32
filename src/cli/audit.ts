import type { Command } from 'commander'
import { toInstant } from '#src/lib/time.ts'
import { getAudit } from '#src/modules/audit/audit.ts'
import type { RecordedEntry } from '#src/modules/audit/statements.ts'
import { withServices } from './context.ts'
import { wholeNumber } from './numbers.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  event?: string
  user?: string
  limit: number
  json?: true
}

export function addAudit(program: Command, terminal: Terminal): void {
  program
    .command('audit')
    .description('who did what and when, newest first')
    .option('--event <beginning>', 'only events that begin so: login, billing.charge.dispute')
    .option('--user <id>', 'only what is about this user')
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .option('--json', 'print JSON')
    .action((options: Options) =>
      withServices(terminal, async ({ database }) => {
        const { event, user, limit } = options
        const recorded = await database.read(getAudit, { event, userId: user, limit })
        const entries = recorded.map(describe)
        if (options.json) return terminal.print(JSON.stringify(entries))
        const heading = ['at', 'event', 'user', 'actor', 'ip', 'request', 'detail']
        return terminal.print(table(heading, entries.map(toCells)))
      }),
    )
}

function describe({ at, detail, ...entry }: RecordedEntry) {
  return { ...entry, at: toInstant(at), detail: detail === null ? null : JSON.parse(detail) }
}

function toCells(entry: ReturnType<typeof describe>) {
  const { at, event, userId, actor, ip, requestId, detail } = entry
  return [at, event, userId, actor, ip, requestId, detail === null ? null : JSON.stringify(detail)]
}
