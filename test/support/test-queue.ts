import { providers } from '#drizzle/schema.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { readOnce } from '#src/database/sqlite/statements.ts'
import { insertInto, statement } from '#src/database/statement.ts'
import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { silentLog } from '#src/lib/log.ts'
import type { JobKind, JobRow, NewJob } from '#src/queue/job.ts'
import { createQueue } from '#src/queue/queue.ts'
import { readJob } from '#src/queue/stats.ts'
import { createWorker, type WorkerOptions } from '#src/queue/worker.ts'
import { createFakeClock, turns } from './fake-clock.ts'
import { createSeededRandom } from './seeded-random.ts'

/** A queue on a private database with the real migrations; no worker runs until one is started. */
export function createTestQueue({ path = ':memory:', seed = 1, log = silentLog } = {}) {
  const clock = createFakeClock()
  const random = createSeededRandom(seed)
  const database = openDatabase(path)
  migrate(database.sqlite, { now: clock.now() })
  const queue = createQueue({ clock })
  const deps = { database, queue, clock, random, log }
  const enqueueAll = command('test.enqueue', function* (tx, jobs: NewJob[]) {
    const ids: (number | undefined)[] = []
    for (const job of jobs) ids.push(yield* queue.enqueue(tx, job))
    return ids
  })

  async function enqueue(job: Partial<NewJob> = {}): Promise<number> {
    const [id] = await database.run(enqueueAll, [{ kind: 'test', body: {}, ...job }])
    if (id === undefined) throw new Error('its dedupe key is taken')
    return id
  }

  return {
    database,
    queue,
    clock,
    random,
    deps,
    enqueue,
    enqueueAll: (jobs: NewJob[]) => database.run(enqueueAll, jobs),
    cancel: (id: number) => database.run(queue.commands.cancel, { id, now: clock.now() }),
    worker: (options: WorkerOptions = {}) => createWorker(deps, options),
    /** Registers a kind whose body is read as it is. */
    kind(kind: Partial<JobKind> & Pick<JobKind, 'run'>) {
      queue.register({ kind: 'test', concurrency: 10, parse: (body) => body, ...kind })
    },
    row(id: number): JobRow {
      const row = readOnce(database.sqlite, readJob, { id })
      if (!row) throw new Error(`There is no job ${id}`)
      return row
    },
    states: () =>
      database.sqlite
        .query<{ state: string }, []>('SELECT state FROM jobs ORDER BY id')
        .all()
        .map(({ state }) => state),
  }
}

const insertProvider = statement<{ name: string }>((p) => insertInto(providers, { name: p.name }))

/** An effect that a test can see: a row of `providers`. */
export const addProvider = command('test.add-provider', function* (tx, name: string) {
  yield* tx.run(insertProvider, { name })
})

/** As a hook of a kind that asks nothing of the database. */
export function noting<A extends unknown[], O>(note: (...args: A) => O) {
  return function* (_tx: Tx, ...args: A): Steps<O> {
    return note(...args)
  }
}

/** Lets the commits and wake-ups under way end. */
export const settle = () => turns(20)

/** A promise with its two ends, for a handler that is to wait. */
export function gate<T = void>() {
  return Promise.withResolvers<T>()
}
