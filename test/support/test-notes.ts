import { Database as Sqlite } from 'bun:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import type { WriterObserver } from '#src/database/sqlite/writer.ts'
import { statement } from '#src/database/statement.ts'
import { command } from '#src/database/steps.ts'

/** A database file with one table, `notes`, for tests of the writer; gone when disposed of. */
export function openNotes(observer?: WriterObserver) {
  const folder = mkdtempSync(join(tmpdir(), 'pollux-notes-'))
  const path = join(folder, 'data.db')
  const database = openDatabase(path, observer)
  // Without our own tables a second opener would take the file for another program's.
  migrate(database.sqlite, { now: 0 })
  database.sqlite.run('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE)')
  const others: Sqlite[] = []
  return {
    path,
    database,
    /** A second connection, as another process has one. */
    beside() {
      const other = new Sqlite(path, { strict: true })
      others.push(other)
      return other
    },
    [Symbol.dispose]() {
      for (const other of others) other.close()
      database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

const insert = statement<{ text: string }, { id: number }>(
  (p) => sql`INSERT INTO notes (text) VALUES (${p.text}) RETURNING id`,
)

export const add = command('notes.add', function* (tx, text: string) {
  return (yield* tx.first(insert, { text }))?.id
})

export function texts(sqlite: Sqlite): string[] {
  return sqlite
    .query<{ text: string }, []>('SELECT text FROM notes ORDER BY id')
    .all()
    .map(({ text }) => text)
}
