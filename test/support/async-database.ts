import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '#src/database/sqlite/open.ts'
import type { News, Submission } from '#src/database/sqlite/writer.ts'
import type { StatementStep } from '#src/database/statement.ts'
import { type Command, type Query, type Steps, StepTx } from '#src/database/steps.ts'
import { createSeededRandom } from './seeded-random.ts'

/** What PostgreSQL answers to one of two transactions that cannot both be: run it again (SQLSTATE 40001). */
class SerializationFailure extends Error {
  readonly code = '40001'
}

/** Of a command that was begun: it is rolled back at its end and run once more, or in its middle by a failure. */
const TWICE_PERCENT = 20
const FAILURE_PERCENT = 5

/**
 * The second engine of the tests. It waits between statements, as PostgreSQL does, while other requests go on; runs
 * commands twice at random; and answers some statements with error 40001. Readers have a connection of their own and
 * see only what is committed. Whatever relies on synchronous SQLite, or on a command that runs once, fails here.
 */
export function openAsyncDatabase(seed = 1): Database {
  const folder = mkdtempSync(join(tmpdir(), 'pollux-async-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const reader = openDatabase(join(folder, 'data.db'))
  const writer = openDatabase(join(folder, 'data.db'), {}, reader.notifications)
  const queries = openDatabase(join(folder, 'data.db'), {}, reader.notifications)
  for (const { sqlite } of [reader, writer, queries]) sqlite.run('PRAGMA synchronous = OFF')
  const random = createSeededRandom(seed)
  const listeners = new Set<(news: readonly News[]) => void>()
  /** Set while listeners say what joins the commit. */
  let joining: Submission<never, unknown>[] | undefined
  // One transaction after another, as a row that all of them lock would make it; and one query after another.
  const write = createTurn()
  const ask = createTurn()

  async function waits(): Promise<void> {
    if (random.int(4) === 0) await new Promise((resolve) => setImmediate(resolve))
    else await Promise.resolve()
  }

  const happens = (percent: number) => random.int(100) < percent

  async function follow<O>(steps: Steps<O>, answer: (step: StatementStep) => unknown): Promise<O> {
    let next = steps.next()
    while (!next.done) {
      await waits()
      let found: unknown
      try {
        found = answer(next.value)
      } catch (error) {
        next = steps.throw(error)
        continue
      }
      next = steps.next(found)
    }
    return next.value
  }

  /** Runs a command within the open transaction; one that is refused is undone alone. */
  async function runWithin(one: Submission<never, unknown>, news: News[], isLast: boolean) {
    const { steps } = one.command
    const published: News[] = []
    writer.sqlite.run('SAVEPOINT one')
    try {
      const tx = new StepTx((topic, payload) => published.push({ topic, payload }))
      const value = await follow(steps(tx, one.input), (step) => {
        if (!isLast && happens(FAILURE_PERCENT))
          throw new SerializationFailure('could not serialize')
        return writer.answer(step)
      })
      writer.sqlite.run('RELEASE one')
      news.push(...published)
      return () => one.resolve(value)
    } catch (error) {
      if (error instanceof SerializationFailure) throw error
      writer.sqlite.run('ROLLBACK TO one')
      writer.sqlite.run('RELEASE one')
      return () => one.reject(error)
    }
  }

  /** @throws SerializationFailure where all of it has to be run again */
  async function attempt(one: Submission<never, unknown>, isLast: boolean) {
    const news: News[] = []
    const settled: (() => void)[] = []
    writer.sqlite.run('BEGIN IMMEDIATE')
    try {
      settled.push(await runWithin(one, news, isLast))
      joining = []
      for (const listener of listeners) listener(news)
      const joined = joining
      joining = undefined
      for (const each of joined) settled.unshift(await runWithin(each, news, true))
      if (!isLast && joined.length === 0 && happens(TWICE_PERCENT)) {
        throw new SerializationFailure('run twice')
      }
      writer.sqlite.run('COMMIT')
    } catch (error) {
      joining = undefined
      if (writer.sqlite.inTransaction) writer.sqlite.run('ROLLBACK')
      throw error
    }
    return { news, settled }
  }

  async function runAlone(one: Submission<never, unknown>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const { news, settled } = await attempt(one, tries === 3)
        reader.snapshot.release()
        for (const { topic, payload } of news) reader.notifications.publish(topic, payload)
        for (const settle of settled) settle()
        return
      } catch (error) {
        if (!(error instanceof SerializationFailure)) return one.reject(error)
      }
    }
  }

  function submit<I, O>(one: Submission<I, O>): void {
    const general = one as unknown as Submission<never, unknown>
    if (joining) joining.push(general)
    else void write(() => runAlone(general))
  }

  const run = <I, O>(command: Command<I, O>, input: I) =>
    new Promise<O>((resolve, reject) => submit({ command, input, resolve, reject }))

  return {
    ...reader,
    submit,
    run,
    read: <I, O>({ steps }: Query<I, O>, input: I) =>
      ask(async () => {
        await waits()
        // All its statements see one snapshot.
        queries.sqlite.run('BEGIN')
        try {
          return await follow(steps(new StepTx(refuseNotice), input), queries.answer)
        } finally {
          queries.sqlite.run('COMMIT')
        }
      }),
    beforeCommit(listener) {
      const stop = writer.beforeCommit(listener)
      listeners.add(listener)
      return () => {
        stop()
        listeners.delete(listener)
      }
    },
    close() {
      reader.close()
      writer.close()
      queries.close()
    },
  }
}

function refuseNotice(): never {
  throw new TypeError('A query publishes nothing')
}

/** Runs one piece of work after another. */
function createTurn() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    last = next.catch(() => {})
    return next
  }
}

/** The engine that `bun run test:engines` chooses: SQLite in memory, or the one that waits. */
export function openTestDatabase(seed?: number): Database {
  return process.env['TEST_ENGINE'] === 'async' ? openAsyncDatabase(seed) : openDatabase(':memory:')
}
