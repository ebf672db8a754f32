import { type Command, Option } from 'commander'
import { HOUR, SECOND, toInstant } from '#src/lib/time.ts'
import type { JobRow } from '#src/queue/job.ts'
import { readEnded, readJob, readJobs, readWaiting } from '#src/queue/stats.ts'
import { withServices } from './context.ts'
import { wholeNumber } from './numbers.ts'
import { createCancelJob, retryJob } from './operator-commands.ts'
import { pauseTable } from './provider.ts'
import { table } from './table.ts'
import { Failure, type Terminal } from './terminal.ts'

const STATES = ['blocked', 'ready', 'running', 'done', 'failed', 'cancelled']

/** Names in JSON that scripts rely on, where the code uses another word. */
const FIELDS: Record<string, string> = {
  concurrencyKey: 'lane',
  blockedBy: 'behind',
  rank: 'turn',
  attempt: 'claims',
  unusedAttempts: 'unused_claims',
}

interface Json {
  json?: true
}

export function addJobs(program: Command, terminal: Terminal): void {
  const jobs = program
    .command('jobs')
    .description(
      'look at the queue and change it, also beside a running server; every change is audited',
    )
  jobs
    .command('list')
    .description('jobs, newest first')
    .addOption(new Option('--state <state>', 'only in this state').choices(STATES))
    .option('--kind <kind>', 'only of this kind, such as message.reply')
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .option('--json', 'print JSON')
    .action((options) => list(terminal, options))
  jobs
    .command('show')
    .description('everything about one job')
    .argument('<id>', 'its number', wholeNumber)
    .option('--json', 'print JSON')
    .action((id, options) => show(terminal, id, options))
  jobs
    .command('retry')
    .description('give a failed or cancelled job another chance; a reply has to be asked for anew')
    .argument('<id>', 'its number', wholeNumber)
    .action((id) => retry(terminal, id))
  jobs
    .command('cancel')
    .description('stop a job in any state that is not final')
    .argument('<id>', 'its number', wholeNumber)
    .action((id) => cancel(terminal, id))
  jobs
    .command('stats')
    .description(
      'of each kind: what has not ended, how long the oldest waits, what ended lately; and the paused models',
    )
    .option('--hours <count>', 'what ended within so many', wholeNumber, 24)
    .option('--json', 'print JSON')
    .action((options) => stats(terminal, options))
}

function list(
  terminal: Terminal,
  options: Json & { state?: string; kind?: string; limit: number },
) {
  return withServices(terminal, async ({ database }) => {
    const rows = await database.read(readJobs, options)
    if (options.json) return terminal.print(JSON.stringify(rows.map(describe)))
    const cells = rows.map((row) => [row.id, row.kind, row.state, ...counters(row), row.lastError])
    const heading = ['id', 'kind', 'state', 'claims', 'errors', 'created', 'last error']
    return terminal.print(table(heading, cells))
  })
}

function show(terminal: Terminal, id: number, options: Json) {
  return withServices(terminal, async ({ database }) => {
    const row = await database.read(readJob, { id })
    if (!row) throw new Failure(`There is no job ${id}.`)
    if (options.json) return terminal.print(JSON.stringify(describe(row)))
    const cells = Object.entries(describe(row)).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
    ])
    return terminal.print(table(['field', 'value'], cells as (string | number | null)[][]))
  })
}

function retry(terminal: Terminal, id: number) {
  return withServices(terminal, async ({ database, services, now }) => {
    const job = await database.read(readJob, { id })
    if (!job) throw new Failure(`There is no job ${id}.`)
    const hasEnded = job.state === 'failed' || job.state === 'cancelled'
    const kind = services.queue.kinds.get(job.kind)
    if (hasEnded && kind?.ended) {
      throw new Failure(
        `What job ${id} was for has been told how it ended; a reply is asked for anew.`,
      )
    }
    const result = await database.run(retryJob, { job, now: now() })
    if (result === 'retried') return terminal.print(`Job ${id} will run again.`)
    const reasons = {
      unknown: `There is no job ${id}.`,
      'not-ended': `Job ${id} has neither failed nor been cancelled.`,
      busy: `Job ${id} has a twin that waits or runs already.`,
    }
    throw new Failure(reasons[result])
  })
}

function cancel(terminal: Terminal, id: number) {
  return withServices(terminal, async ({ database, services, now }) => {
    const job = await database.read(readJob, { id })
    if (!job) throw new Failure(`There is no job ${id}.`)
    const result = await database.run(createCancelJob(services.queue), { job, now: now() })
    if (result === 'ended') throw new Failure(`Job ${id} has ended already.`)
    const told = result === 'stopping' ? 'was told to stop' : 'is cancelled'
    return terminal.print(`Job ${id} ${told}.`)
  })
}

function stats(terminal: Terminal, { hours, json }: Json & { hours: number }) {
  return withServices(terminal, async ({ database, services, now }) => {
    const waiting = await database.read(readWaiting, { now: now() })
    const counted = await database.read(readEnded, { since: now() - hours * HOUR })
    const none = { blocked: 0, ready: 0, running: 0, oldestReadyMs: null }
    const ended = { done: 0, failed: 0, cancelled: 0 }
    const kinds = new Map(waiting.map((of) => [of.kind, { ...of, ...ended }]))
    for (const { kind, state, count } of counted) {
      kinds.set(kind, { ...(kinds.get(kind) ?? { kind, ...none, ...ended }), [state]: count })
    }
    const counts = [...kinds.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1))
    if (json) return terminal.print(JSON.stringify(counts))
    const cells = counts.map(({ kind, oldestReadyMs, ...of }) => [
      ...[kind, of.blocked, of.ready, of.running],
      oldestReadyMs === null ? null : `${Math.round(oldestReadyMs / SECOND)} s`,
      ...[of.done, of.failed, of.cancelled],
    ])
    const heading = ['kind', 'blocked', 'ready', 'running', 'oldest', 'done', 'failed', 'cancelled']
    const pauses = await services.provider.pauses()
    const paused = pauses.length === 0 ? '' : `\n\n${pauseTable(pauses)}`
    return terminal.print(table(heading, cells) + paused)
  })
}

function counters(row: JobRow): (string | number)[] {
  return [row.attempt, row.errors, toInstant(row.createdAt)]
}

/** A row as people and scripts read it: instants as text, the body as what it holds. */
function describe(row: JobRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => {
      const field = FIELDS[key] ?? key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      if (/_(at|until)$/.test(field) && typeof value === 'number') return [field, toInstant(value)]
      return [field, field === 'body' ? JSON.parse(String(value)) : value]
    }),
  )
}
