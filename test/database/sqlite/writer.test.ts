import { describe, expect, test } from 'bun:test'
import { providers } from '#drizzle/schema.ts'
import { type Command, type Orm, syncCommand } from '#src/database/command.ts'
import { isDatabaseFault } from '#src/database/fault.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { add, openNotes, texts } from '#test/support/test-notes.ts'

function failing(error: unknown): Command<string, void> {
  return syncCommand('notes.fail', () => (tx, text) => {
    tx.run(add, text)
    throw error
  })
}

describe('group commit', () => {
  test('the commands of one turn share one transaction, in the order they were given', async () => {
    const commits: number[] = []
    using notes = openNotes({ committed: (commands) => commits.push(commands) })
    const { database } = notes
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map((text) => database.execute(add, text)))
    expect(ids).toEqual([1, 2, 3, 4])
    expect(texts(database.sqlite)).toEqual(['a', 'b', 'c', 'd'])
    expect(commits).toEqual([4])
    await database.execute(add, 'e')
    expect(commits).toEqual([4, 1])
  })

  test('a command that throws is rolled back alone: its neighbours are committed', async () => {
    using notes = openNotes()
    const { database } = notes
    const error = new Error('no')
    const results = await Promise.allSettled([
      database.execute(add, 'before'),
      database.execute(failing(error), 'undone'),
      database.execute(add, 'after'),
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
    const telling = syncCommand('notes.tell', () => (tx, text: string) => {
      runs += 1
      tx.notify('notes', text)
      return tx.run(add, text)
    })
    const heard: unknown[] = []
    database.notifications.subscribe('notes', (payload) => heard.push(payload))
    await Promise.allSettled([
      database.execute(telling, 'before'),
      database.execute(failing(new Error('no')), 'undone'),
      database.execute(telling, 'after'),
    ])
    expect(runs).toBeGreaterThan(2)
    expect(heard).toEqual(['before', 'after'])
    expect(texts(notes.beside())).toEqual(['before', 'after'])
  })

  test('a command that refuses before it writes tells nothing and has nobody run twice', async () => {
    using notes = openNotes()
    const { database } = notes
    let runs = 0
    const counting = syncCommand('notes.count', () => (tx, text: string) => {
      runs += 1
      return tx.run(add, text)
    })
    const refuse = syncCommand('notes.refuse', () => (tx) => {
      tx.notify('notes', 'never')
      throw new Error('refused')
    })
    const heard: unknown[] = []
    database.notifications.subscribe('notes', (payload) => heard.push(payload))
    const results = await Promise.allSettled([
      database.execute(counting, 'before'),
      database.execute(refuse, undefined),
      database.execute(counting, 'after'),
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
      ['one', 'one', 'two'].map((text) => database.execute(add, text)),
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
    const orphan = syncCommand('children.add', ({ sqlite }) => (tx) => {
      sqlite.run('INSERT INTO children (note) VALUES (4711)')
      tx.notify('children', 'never')
    })
    const heard: unknown[] = []
    database.notifications.subscribe('children', (payload) => heard.push(payload))
    const results = await Promise.allSettled([
      database.execute(add, 'before'),
      database.execute(orphan, undefined),
      database.execute(add, 'after'),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(new Set(results.map((one) => one.status === 'rejected' && one.reason)).size).toBe(1)
    expect(texts(notes.beside())).toEqual([])
    expect(heard).toEqual([])
    await database.execute(add, 'the next commit')
    expect(texts(notes.beside())).toEqual(['the next commit'])
  })

  test('a full database refuses what does not fit, keeps what was acknowledged, and goes on', async () => {
    using notes = openNotes()
    const { database } = notes
    await database.execute(add, 'acknowledged')
    const pages = database.sqlite.query<{ page_count: number }, []>('PRAGMA page_count').get()
    database.sqlite.run(`PRAGMA max_page_count = ${(pages?.page_count ?? 0) + 1}`)
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, at) => database.execute(add, `${at}`.repeat(3_000))),
    )
    const acknowledged = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.every(isDatabaseFault)).toBe(true)
    expect(texts(notes.beside())).toHaveLength(1 + acknowledged.length)
    database.sqlite.run('PRAGMA max_page_count = 100000')
    await database.execute(add, 'room again')
    expect(texts(notes.beside()).at(-1)).toBe('room again')
  })
})

describe('commands are synchronous', () => {
  test('a returned promise is refused and nothing is kept', async () => {
    using notes = openNotes()
    const { database } = notes
    const late = syncCommand('notes.late', () => async (tx, text: string) => tx.run(add, text))
    await expect(database.execute(late, 'late')).rejects.toThrow(
      "Command 'notes.late' returned a promise: a command must be synchronous",
    )
    expect(texts(notes.beside())).toEqual([])
  })

  test('a Drizzle query that was built but never run is refused too', async () => {
    using notes = openNotes()
    const { database } = notes
    const forgotten = syncCommand(
      'forgotten',
      ({ orm }: { orm: Orm }) =>
        () =>
          orm.insert(providers).values({ name: 'x' }),
    )
    await expect(database.execute(forgotten, undefined)).rejects.toThrow('must be synchronous')
  })

  test('a nested command’s promise is refused as well', async () => {
    using notes = openNotes()
    const { database } = notes
    const late = syncCommand('notes.late', () => async () => {})
    const outer = syncCommand('notes.outer', () => (tx, text: string) => {
      tx.run(add, text)
      tx.run(late, undefined)
    })
    await expect(database.execute(outer, 'half')).rejects.toThrow("Command 'notes.late'")
    expect(texts(notes.beside())).toEqual([])
  })
})

describe('nested commands', () => {
  test('are one unit: all of it is committed', async () => {
    using notes = openNotes()
    const { database } = notes
    const two = syncCommand('notes.two', () => (tx, [a, b]: [string, string]) => [
      tx.run(add, a),
      tx.run(add, b),
    ])
    expect(await database.execute(two, ['a', 'b'])).toEqual([1, 2])
    expect(texts(notes.beside())).toEqual(['a', 'b'])
  })

  test('are one unit: an inner error undoes all of it, even where the outer one caught it', async () => {
    using notes = openNotes()
    const { database } = notes
    const careless = syncCommand('notes.careless', () => (tx, text: string) => {
      tx.run(add, text)
      try {
        tx.run(failing(new Error('inner')), 'half')
      } catch {
        // Goes on as if nothing had happened.
      }
    })
    await expect(database.execute(careless, 'outer')).rejects.toThrow('inner')
    expect(texts(notes.beside())).toEqual([])
  })
})

test('a database that was closed refuses, and leaves nobody waiting', async () => {
  const database = openDatabase(':memory:')
  const pending = database.execute(add, 'too late')
  database.close()
  await expect(pending).rejects.toThrow()
})
