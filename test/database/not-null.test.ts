import { describe, expect, test } from 'bun:test'
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core'
import * as schema from '#drizzle/schema.ts'
import { filled, insertSecond, migrated, samples } from '#test/support/sample-rows.ts'

const sqlite = migrated()

describe('NOT NULL', () => {
  const modelled = Object.values(schema).filter((table) => table instanceof SQLiteTable)

  test('holds for the columns of which drizzle/schema.ts says so, and for no other', () => {
    for (const table of modelled) {
      const { name, columns } = getTableConfig(table)
      const nullable = sqlite
        .query<{ name: string; notnull: number }, []>(`PRAGMA table_info(${name})`)
        .all()
        .filter(({ notnull }) => notnull === 0)
        .map((column) => column.name)
      const said = columns.filter(({ notNull }) => !notNull).map((column) => column.name)
      expect([name, said.toSorted()]).toEqual([name, nullable.toSorted()])
    }
  })

  for (const table of Object.keys(samples)) {
    test(`${table} refuses a row without any of its columns that are NOT NULL`, () => {
      const columns = sqlite
        .query<{ name: string; notnull: number; pk: number; type: string }, []>(
          `PRAGMA table_info(${table})`,
        )
        .all()
        // An INTEGER PRIMARY KEY that is left out is chosen by SQLite.
        .filter(({ notnull, pk, type }) => notnull === 1 && !(pk === 1 && /^integer$/i.test(type)))
      for (const { name } of columns) {
        expect(() => insertSecond(filled(), table, { [name]: null })).toThrow(
          `NOT NULL constraint failed: ${table}.${name}`,
        )
      }
    })
  }
})
