import { expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import { statement } from '#src/database/statement.ts'
import { query } from '#src/database/steps.ts'
import { add, openNotes, texts } from '#test/support/test-notes.ts'

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('the reads of one turn of the loop see one state, the next turn what was committed since', async () => {
  using notes = openNotes()
  const { database } = notes
  await database.run(add, 'ours')
  database.snapshot.hold()
  expect(texts(database.sqlite)).toEqual(['ours'])
  notes.beside().run("INSERT INTO notes (text) VALUES ('of another process')")
  database.snapshot.hold()
  expect(texts(database.sqlite)).toEqual(['ours'])
  await nextTurn()
  database.snapshot.hold()
  expect(texts(database.sqlite)).toEqual(['ours', 'of another process'])
})

test('a snapshot is given up when the turn is over, with nothing after it', async () => {
  using notes = openNotes()
  notes.database.snapshot.hold()
  expect(notes.database.sqlite.inTransaction).toBe(true)
  await nextTurn()
  expect(notes.database.sqlite.inTransaction).toBe(false)
})

test('a commit, a checkpoint and the end are not held up by a snapshot of the same turn', async () => {
  using notes = openNotes()
  const { database } = notes
  database.snapshot.hold()
  texts(database.sqlite)
  notes.beside().run("INSERT INTO notes (text) VALUES ('of another process')")
  await database.run(add, 'ours')
  database.snapshot.hold()
  expect(texts(database.sqlite)).toEqual(['of another process', 'ours'])
  expect(database.checkpoint()).toBe(0)
  database.snapshot.hold()
})

test('the statements of a query see one state, whatever another process commits between them', async () => {
  using notes = openNotes()
  const count = statement<Record<never, never>, { n: number }>(
    () => sql`SELECT count(*) AS n FROM notes`,
  )
  const twice = query('notes.twice', function* (tx) {
    const before = yield* tx.first(count, {})
    notes.beside().run("INSERT INTO notes (text) VALUES ('of another process')")
    return [before?.n, (yield* tx.first(count, {}))?.n]
  })
  expect(await notes.database.read(twice, undefined)).toEqual([0, 0])
})
