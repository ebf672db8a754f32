import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { DatabaseFromTheFuture, migrate, pendingMigrations } from '#src/database/sqlite/migrate.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const first = { name: '0000_first', sql: 'CREATE TABLE a (id INTEGER) STRICT;' }
const second = {
  name: '0001_second',
  sql: 'CREATE TABLE b (id INTEGER) STRICT;\n--> statement-breakpoint\nINSERT INTO b VALUES (7);',
}
const broken = {
  name: '0001_broken',
  sql: 'CREATE TABLE c (id INTEGER) STRICT;\n--> statement-breakpoint\nINSERT INTO nowhere VALUES (1);',
}

describe('migrate', () => {
  test('applies what is pending, oldest first, and nothing twice', () => {
    const sqlite = new Sqlite(':memory:')
    expect(pendingMigrations(sqlite, [first, second])).toEqual([first.name, second.name])
    expect(migrate(sqlite, { now: 1, known: [first] })).toEqual([first.name])
    expect(migrate(sqlite, { now: 2, known: [first, second] })).toEqual([second.name])
    expect(migrate(sqlite, { now: 3, known: [first, second] })).toEqual([])
    expect(pendingMigrations(sqlite, [first, second])).toEqual([])
    expect(sqlite.query('SELECT id FROM b').all()).toEqual([{ id: 7 }])
  })

  test('leaves nothing of a migration that fails, and what came before it in place', () => {
    const sqlite = new Sqlite(':memory:')
    expect(() => migrate(sqlite, { now: 1, known: [first, broken] })).toThrow('nowhere')
    expect(pendingMigrations(sqlite, [first, broken])).toEqual([broken.name])
    expect(tables(sqlite)).toEqual(['a', 'migrations'])
  })

  test('applies nothing twice that another process applied meanwhile', async () => {
    await using folder = await temporaryFolder()
    const ours = new Sqlite(folder.file('p.db'))
    const theirs = new Sqlite(folder.file('p.db'))
    let isTheirTurn = true
    const raced = {
      get name() {
        // Asked for when what is pending is known already, before the lock is taken.
        if (isTheirTurn && ours.query("SELECT 1 FROM sqlite_schema WHERE name = 'a'").get()) {
          isTheirTurn = false
          expect(migrate(theirs, { now: 5, known: [first, second] })).toEqual([second.name])
        }
        return second.name
      },
      sql: second.sql,
    }
    expect(migrate(ours, { now: 1, known: [first, raced] })).toEqual([first.name])
    expect(isTheirTurn).toBe(false)
    expect(ours.query('SELECT id FROM b').all()).toEqual([{ id: 7 }])
    expect(ours.query('SELECT * FROM migrations ORDER BY name').all()).toEqual([
      { name: first.name, applied_at: 1 },
      { name: second.name, applied_at: 5 },
    ])
  })

  test('refuses a database from its future and changes nothing in it', () => {
    const sqlite = new Sqlite(':memory:')
    migrate(sqlite, { now: 1, known: [first, second] })
    const attempt = () => migrate(sqlite, { now: 2, known: [first] })
    expect(attempt).toThrow(DatabaseFromTheFuture)
    expect(attempt).toThrow('0001_second')
    expect(tables(sqlite)).toEqual(['a', 'b', 'migrations'])
  })
})

function tables(sqlite: Sqlite): string[] {
  return sqlite
    .query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
    )
    .all()
    .map(({ name }) => name)
}
