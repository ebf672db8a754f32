import { SQLiteError, Database as Sqlite } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { isDatabaseFault } from '#src/database/fault.ts'

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('it did not throw')
}

test('a full, a read-only and an unreadable database are faults of the database', () => {
  const full = new Sqlite(':memory:')
  full.run('PRAGMA max_page_count = 2; CREATE TABLE t (x)')
  expect(isDatabaseFault(thrownBy(() => full.run('INSERT INTO t VALUES (zeroblob(100000))')))).toBe(
    true,
  )
  const readOnly = new Sqlite(':memory:')
  readOnly.run('CREATE TABLE t (x); PRAGMA query_only = ON')
  expect(isDatabaseFault(thrownBy(() => readOnly.run('INSERT INTO t VALUES (1)')))).toBe(true)
  expect(isDatabaseFault(thrownBy(() => new Sqlite('/nowhere/at/all.db')))).toBe(true)
})

test('a constraint, a wrong statement and an error of our own are not', () => {
  const sqlite = new Sqlite(':memory:')
  sqlite.run('CREATE TABLE t (x UNIQUE); INSERT INTO t VALUES (1)')
  const constraint = thrownBy(() => sqlite.run('INSERT INTO t VALUES (1)'))
  expect(constraint).toBeInstanceOf(SQLiteError)
  expect(isDatabaseFault(constraint)).toBe(false)
  expect(isDatabaseFault(thrownBy(() => sqlite.run('SELEC')))).toBe(false)
  expect(isDatabaseFault(new Error('SQLITE_FULL'))).toBe(false)
  expect(isDatabaseFault('SQLITE_FULL')).toBe(false)
})
