import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { asc, eq, sql } from 'drizzle-orm'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { insertInto, statement, update } from '#src/database/statement.ts'
import { command, query } from '#src/database/steps.ts'
import { openTestDatabase } from '#test/support/async-database.ts'

const notes = sqliteTable('notes', {
  id: integer().primaryKey(),
  noteText: text('note_text').notNull(),
  isDone: integer('is_done').notNull(),
})

const insert = statement<{ noteText: string }, { id: number }>(
  (p) => sql`${insertInto(notes, { noteText: p.noteText, isDone: 0 })} RETURNING id`,
)
const finish = statement<{ id: number }>(
  (p) => sql`${update(notes, { isDone: 1 })} WHERE ${notes.id} = ${p.id}`,
)
const find = statement<{ id: number }, { noteText: string; isDone: number }>(
  (p) =>
    sql`SELECT ${notes.noteText} AS "noteText", ${notes.isDone} AS "isDone" FROM ${notes} WHERE ${notes.id} = ${p.id}`,
)
const list = statement<{ isDone: number }, { noteText: string }>(
  (p) => sql`SELECT ${notes.noteText} AS "noteText" FROM ${notes}
    WHERE ${eq(notes.isDone, p.isDone)} ORDER BY ${asc(notes.id)}`,
)

const add = command('steps.add', function* (tx, input: { text: string }) {
  if (input.text === '') throw new RangeError('A note needs a text')
  const row = yield* tx.first(insert, { noteText: input.text })
  if (!row) throw new Error('The new note has no id')
  tx.notify('notes', row.id)
  return row.id
})
const addTwo = command('steps.add-two', function* (tx, input: { first: string; second: string }) {
  return [yield* add.steps(tx, { text: input.first }), yield* add.steps(tx, { text: input.second })]
})
const end = command('steps.end', function* (tx, input: { id: number }) {
  return yield* tx.run(finish, input)
})
const open = query('steps.open', function* (tx) {
  return (yield* tx.all(list, { isDone: 0 })).map(({ noteText }) => noteText)
})
const one = query('steps.one', function* (tx, input: { id: number }) {
  return yield* tx.first(find, input)
})

let database: ReturnType<typeof openTestDatabase>
beforeEach(() => {
  database = openTestDatabase()
  database.sqlite.run(
    'CREATE TABLE notes (id INTEGER PRIMARY KEY, note_text TEXT NOT NULL, is_done INTEGER NOT NULL)',
  )
})
afterEach(() => database.close())

describe('A command', () => {
  test('gives what its generator returns', async () => {
    expect(await database.run(add, { text: 'wool' })).toBe(1)
    expect(await database.read(one, { id: 1 })).toEqual({ noteText: 'wool', isDone: 0 })
    expect(await database.run(end, { id: 1 })).toBe(1)
    expect(await database.run(end, { id: 2 })).toBe(0)
    expect(await database.read(open, undefined)).toEqual([])
  })

  test('that throws leaves nothing, publishes nothing, and does not touch its neighbours', async () => {
    const heard: unknown[] = []
    database.notifications.subscribe('notes', (id) => heard.push(id))
    const failed = database.run(addTwo, { first: 'lost', second: '' })
    const kept = database.run(add, { text: 'kept' })
    expect(failed).rejects.toThrow('A note needs a text')
    await kept
    expect(await database.read(open, undefined)).toEqual(['kept'])
    expect(heard).toEqual([1])
  })

  test('is refused where a value is missing', () => {
    // As a caller without types might.
    const values = {} as { text: string }
    expect(database.run(add, values)).rejects.toThrow("There is no value for 'noteText'")
  })
})

describe('A query', () => {
  test('gives undefined where there is no row', async () => {
    expect(await database.read(one, { id: 7 })).toBeUndefined()
  })

  test('sees what was committed before it was asked', async () => {
    await database.run(addTwo, { first: 'map', second: 'lamp' })
    expect(await database.read(open, undefined)).toEqual(['map', 'lamp'])
  })
})

test('an unknown column is refused when the statement is compiled', () => {
  const wrong = statement(() => insertInto(notes, { ...({ colour: 1 } as object), isDone: 0 }))
  expect(() => wrong.sqlite()).toThrow("There is no column 'colour'")
})
