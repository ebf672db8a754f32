import { describe, expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { isDatabaseFault } from '#src/database/fault.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { statement } from '#src/database/statement.ts'
import { type Command, command } from '#src/database/steps.ts'
import { add, openNotes, texts } from '#test/support/test-notes.ts'

function failing(error: unknown): Command<string, void> {
  return command('notes.fail', function* (tx, text: string) {
    yield* add.steps(tx, text)
    throw error
  })
}

describe('group commit', () => {
  test('the commands of one turn share one transaction, in the order they were given', async () => {
    const commits: number[] = []
    using notes = openNotes({ committed: (commands) => commits.push(commands) })
    const { database } = notes
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map((text) => database.run(add, text)))
    expect(ids).toEqual([1, 2, 3, 4])
    expect(texts(database.sqlite)).toEqual(['a', 'b', 'c', 'd'])
    expect(commits).toEqual([4])
    await database.run(add, 'e')
    expect(commits).toEqual([4, 1])
  })

  test('a command that throws is rolled back alone: its neighbours are committed', async () => {
    using notes = openNotes()
    const { database } = notes
    const error = new Error('no')
    const results = await Promise.allSettled([
      database.run(add, 'before'),
      database.run(failing(error), 'undone'),
      database.run(add, 'after'),
    ])
    expect(results).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: 2 },
    ])
    expect(texts(notes.beside())).toEqual(['before', 'after'])
  })

  test('a command that throws has its neighbours run once more: what they tell is told once', async () => {
    using notes = openNotes()
    const { database } = notes
    let runs = 0
    const telling = command('notes.tell', function* (tx, text: string) {
      runs += 1
      tx.notify('notes', text)
      return yield* add.steps(tx, text)
    })
    const heard: unknown[] = []
    database.notifications.subscribe('notes', (payload) => heard.push(payload))
    await Promise.allSettled([
      database.run(telling, 'before'),
      database.run(failing(new Error('no')), 'undone'),
      database.run(telling, 'after'),
    ])
    expect(runs).toBeGreaterThan(2)
    expect(heard).toEqual(['before', 'after'])
    expect(texts(notes.beside())).toEqual(['before', 'after'])
  })

  test('a command that refuses before it writes tells nothing and has nobody run twice', async () => {
    using notes = openNotes()
    const { database } = notes
    let runs = 0
    const counting = command('notes.count', function* (tx, text: string) {
      runs += 1
      return yield* add.steps(tx, text)
    })
    const refuse = command('notes.refuse', function* (tx) {
      tx.notify('notes', 'never')
      throw new Error('refused')
    })
    const heard: unknown[] = []
    database.notifications.subscribe('notes', (payload) => heard.push(payload))
    const results = await Promise.allSettled([
      database.run(counting, 'before'),
      database.run(refuse, undefined),
      database.run(counting, 'after'),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(runs).toBe(2)
    expect(heard).toEqual([])
    expect(texts(notes.beside())).toEqual(['before', 'after'])
  })

  test('a constraint that fails is that command’s own', async () => {
    using notes = openNotes()
    const { database } = notes
    const results = await Promise.allSettled(
      ['one', 'one', 'two'].map((text) => database.run(add, text)),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(texts(notes.beside())).toEqual(['one', 'two'])
  })

  test('a commit that fails rejects every command of it and keeps nothing', async () => {
    using notes = openNotes()
    const { database } = notes
    // A deferred foreign key is checked by COMMIT itself.
    database.sqlite.run(
      'CREATE TABLE children (note INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)',
    )
    const insertOrphan = statement(() => sql`INSERT INTO children (note) VALUES (4711)`)
    const orphan = command('children.add', function* (tx) {
      yield* tx.run(insertOrphan, {})
      tx.notify('children', 'never')
    })
    const heard: unknown[] = []
    database.notifications.subscribe('children', (payload) => heard.push(payload))
    const results = await Promise.allSettled([
      database.run(add, 'before'),
      database.run(orphan, undefined),
      database.run(add, 'after'),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(new Set(results.map((one) => one.status === 'rejected' && one.reason)).size).toBe(1)
    expect(texts(notes.beside())).toEqual([])
    expect(heard).toEqual([])
    await database.run(add, 'the next commit')
    expect(texts(notes.beside())).toEqual(['the next commit'])
  })

  test('a full database refuses what does not fit, keeps what was acknowledged, and goes on', async () => {
    using notes = openNotes()
    const { database } = notes
    await database.run(add, 'acknowledged')
    const pages = database.sqlite.query<{ page_count: number }, []>('PRAGMA page_count').get()
    database.sqlite.run(`PRAGMA max_page_count = ${(pages?.page_count ?? 0) + 1}`)
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, at) => database.run(add, `${at}`.repeat(3_000))),
    )
    const acknowledged = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.every(isDatabaseFault)).toBe(true)
    expect(texts(notes.beside())).toHaveLength(1 + acknowledged.length)
    database.sqlite.run('PRAGMA max_page_count = 100000')
    await database.run(add, 'room again')
    expect(texts(notes.beside()).at(-1)).toBe('room again')
  })
})

describe('nested commands', () => {
  test('are one unit: all of it is committed', async () => {
    using notes = openNotes()
    const { database } = notes
    const two = command('notes.two', function* (tx, [a, b]: [string, string]) {
      return [yield* add.steps(tx, a), yield* add.steps(tx, b)]
    })
    expect(await database.run(two, ['a', 'b'])).toEqual([1, 2])
    expect(texts(notes.beside())).toEqual(['a', 'b'])
  })

  test('are one unit: a statement that fails undoes all of it, also where its error was caught', async () => {
    using notes = openNotes()
    const { database } = notes
    const careless = command('notes.careless', function* (tx, text: string) {
      yield* add.steps(tx, text)
      try {
        yield* add.steps(tx, text)
      } catch {
        // Goes on as if nothing had happened.
      }
    })
    await expect(database.run(careless, 'twice')).rejects.toThrow('UNIQUE')
    expect(texts(notes.beside())).toEqual([])
  })
})

test('a database that was closed refuses, and leaves nobody waiting', async () => {
  const database = openDatabase(':memory:')
  const pending = database.run(add, 'too late')
  database.close()
  await expect(pending).rejects.toThrow()
})
