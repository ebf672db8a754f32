import type { Command } from 'commander'
import { and, desc, eq, type SQL, sql } from 'drizzle-orm'
import { auditLog } from '#drizzle/schema.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { toInstant } from '#src/lib/time.ts'
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
        const entries = read(database, options)
        if (options.json) return terminal.print(JSON.stringify(entries))
        const heading = ['at', 'event', 'user', 'actor', 'ip', 'request', 'detail']
        return terminal.print(table(heading, entries.map(toCells)))
      }),
    )
}

function read({ orm }: Database, { event, user, limit }: Options) {
  const wanted: SQL[] = []
  if (event !== undefined)
    wanted.push(sql`substr(${auditLog.event}, 1, ${event.length}) = ${event}`)
  if (user !== undefined) wanted.push(eq(auditLog.userId, user))
  return orm
    .select()
    .from(auditLog)
    .where(and(...wanted))
    .orderBy(desc(auditLog.id))
    .limit(limit)
    .all()
    .map(({ at, detail, ...entry }) => ({
      ...entry,
      at: toInstant(at),
      detail: detail === null ? null : JSON.parse(detail),
    }))
}

function toCells(entry: ReturnType<typeof read>[number]) {
  const { at, event, userId, actor, ip, requestId, detail } = entry
  return [at, event, userId, actor, ip, requestId, detail === null ? null : JSON.stringify(detail)]
}
