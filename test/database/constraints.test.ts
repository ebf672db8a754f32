import type { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { checks, reply, uniques } from '#test/support/constraints.ts'
import { foreignKeys } from '#test/support/foreign-keys.ts'
import {
  filled,
  insert,
  insertSecond,
  migrated,
  type Row,
  samples,
} from '#test/support/sample-rows.ts'

function tablesOf(sqlite: Sqlite): string[] {
  return sqlite
    .query<{ name: string; type: string }, []>('PRAGMA table_list')
    .all()
    .filter(({ type, name }) => type === 'table' && !/^sqlite_|^migrations$/.test(name))
    .map(({ name }) => name)
}

/** One that is found only: a new constraint has no attempt yet. One that is named only: it is gone from the schema. */
const HINT = 'test/support/constraints.ts must name each, with rows that break it'

const sqlite = migrated()
const tables = tablesOf(sqlite)

test('every table has a sample row here', () => {
  const missing = tables.filter((table) => !(table in samples))
  expect(missing, 'add a row of each to test/support/sample-rows.ts, behind its parents').toEqual(
    [],
  )
  expect(Object.keys(samples).filter((table) => !tables.includes(table))).toEqual([])
  const two = filled()
  for (const [table, sample] of Object.entries(samples)) insert(two, table, sample(2))
})

describe('UNIQUE', () => {
  interface Index {
    name: string
    table: string
    columns: string[]
    origin: 'c' | 'u' | 'pk'
    where: string | undefined
  }
  const indexes = tables.flatMap((table) =>
    sqlite
      .query<{ name: string; unique: number; origin: Index['origin'] }, []>(
        `PRAGMA index_list(${table})`,
      )
      .all()
      .filter(({ unique }) => unique === 1)
      .map(({ name, origin }) => {
        const columns = sqlite
          .query<{ name: string }, []>(`PRAGMA index_info('${name}')`)
          .all()
          .map((column) => column.name)
        const { sql } = sqlite
          .query<{ sql: string | null }, [string]>('SELECT sql FROM sqlite_schema WHERE name = ?')
          .get(name) ?? { sql: null }
        return { name, table, columns, origin, where: sql?.split(' WHERE ')[1] }
      }),
  )
  const declared = indexes.filter(({ origin }) => origin !== 'pk')
  const nameOf = ({ name, table, columns }: Index) =>
    name.endsWith('_unique') || name.startsWith('sqlite_') ? `${table}(${columns.join()})` : name

  test('every UNIQUE index is tried here, and each that is named here is there', () => {
    const found = declared.map((index) => [nameOf(index), index.table, index.columns, index.where])
    const named = Object.entries(uniques).map(([name, { table, columns, where }]) => [
      name,
      table,
      columns,
      where,
    ])
    expect(found.toSorted(), HINT).toEqual(named.toSorted())
  })

  for (const [
    name,
    { table, columns, within = {}, second: more = {}, alsoWithin = [], outside },
  ] of Object.entries(uniques)) {
    /** Two rows that are the same in these columns. */
    const insertTwo = (same: readonly string[], change: Row = {}) => {
      const sqlite = filled()
      // Beside the first row of the table, which others may refer to.
      const first: Row = { ...samples[table]?.(2), ...within }
      insertSecond(sqlite, table, within)
      for (const [parent, sample] of Object.entries(samples)) {
        if (parent === table) break
        insert(sqlite, parent, sample(3))
      }
      const second: Row = { ...samples[table]?.(3), ...within, ...more, ...change }
      if (table === 'messages') insert(sqlite, table, { ...samples[table]?.(4), chatroom_id: 'c3' })
      for (const column of columns) {
        if (same.includes(column)) second[column] = first[column] ?? null
        else if (second[column] === first[column]) second[column] = other(column)
      }
      insert(sqlite, table, second)
    }

    test(`${name} refuses a second row that is the same in ${columns.join(', ')}`, () => {
      expect(() => insertTwo(columns)).toThrow(
        `UNIQUE constraint failed: ${columns.map((column) => `${table}.${column}`).join(', ')}`,
      )
    })

    for (const column of columns) {
      test(`${name} takes a second row that differs in ${column} only`, () => {
        expect(() => insertTwo(columns.filter((one) => one !== column))).not.toThrow()
      })
    }

    for (const change of alsoWithin) {
      test(`${name} refuses a second row with ${JSON.stringify(change)} too`, () => {
        expect(() => insertTwo(columns, change)).toThrow('UNIQUE constraint failed')
      })
    }

    if (outside) {
      test(`${name} takes a second row outside of its condition`, () => {
        expect(() => insertTwo(columns, outside)).not.toThrow()
      })
    }
  }

  for (const table of tables) {
    const key = sqlite
      .query<{ name: string; pk: number }, []>(`PRAGMA table_info(${table})`)
      .all()
      .filter(({ pk }) => pk > 0)
      .toSorted((a, b) => a.pk - b.pk)
      .map(({ name }) => name)

    test(`the key of ${table}, ${key.join(', ')}, refuses a second row and takes one that differs`, () => {
      expect(key.length).toBeGreaterThan(0)
      const two = filled()
      const same = Object.fromEntries(key.map((name) => [name, samples[table]?.(1)[name] ?? null]))
      expect(() => insertSecond(two, table, same)).toThrow('UNIQUE constraint failed')
      for (const column of key) {
        const { [column]: _differs, ...rest } = same
        expect(() => insertSecond(filled(), table, rest)).not.toThrow()
      }
    })
  }
})

describe('CHECK', () => {
  const found = tables.flatMap((table) => {
    const { sql } = sqlite
      .query<{ sql: string }, [string]>('SELECT sql FROM sqlite_schema WHERE name = ?')
      .get(table) ?? { sql: '' }
    const named = [...sql.matchAll(/CONSTRAINT ["`](\w+)["`] CHECK/g)].map(([, name]) => name ?? '')
    // One without a name could not be tried by it.
    expect(sql.match(/\bCHECK\b/g)?.length ?? 0).toBe(named.length)
    return named
  })

  test('every CHECK is tried here, and each that is named here is there', () => {
    expect(found.toSorted(), HINT).toEqual(Object.keys(checks).toSorted())
  })

  for (const [name, { table, bad, good }] of Object.entries(checks)) {
    for (const row of bad) {
      test(`${name} refuses ${JSON.stringify(row)}`, () => {
        expect(() => insertSecond(filled(), table, row)).toThrow(`CHECK constraint failed: ${name}`)
      })
    }
    for (const row of good) {
      test(`${name} takes ${JSON.stringify(row)}`, () => {
        expect(() => insertSecond(filled(), table, row)).not.toThrow()
      })
    }
  }
})

describe('FOREIGN KEY', () => {
  const found = tables.flatMap((table) =>
    sqlite
      .query<{ table: string; from: string; to: string; on_delete: string }, []>(
        `PRAGMA foreign_key_list(${table})`,
      )
      .all()
      .map((key) => [
        `${table}.${key.from}`,
        { to: `${key.table}.${key.to}`, onDelete: key.on_delete },
      ]),
  )

  test('every FOREIGN KEY is tried here, and each that is named here is there', () => {
    expect(Object.fromEntries(found), HINT).toEqual(foreignKeys)
  })

  for (const [from, { to, onDelete }] of Object.entries(foreignKeys)) {
    const [table = '', column = ''] = from.split('.')
    const [parent = '', key = ''] = to.split('.')
    const change: Row = table === parent ? { ...reply, [column]: 'm1' } : {}

    test(`${from} refuses a row that refers to nothing`, () => {
      expect(() => insertSecond(filled(), table, { ...change, [column]: 'nothing' })).toThrow(
        'FOREIGN KEY constraint failed',
      )
    })

    test(`${from}: when ${to} goes, ${onDelete === 'CASCADE' ? 'the row goes' : 'the row stays without it'}`, () => {
      const sqlite = filled()
      insertSecond(sqlite, table, change)
      const own = samples[table]?.(2) ?? {}
      const id = Object.keys(own)[0] ?? ''
      const rows = () =>
        sqlite
          .query<Row, [string]>(`SELECT * FROM ${table} WHERE ${id} = ?1 AND ${column} IS NOT 'u1'`)
          .all(String(own[id]))
      expect(rows()).toHaveLength(1)
      const gone = table === parent ? 'm1' : samples[parent]?.(2)[key]
      sqlite.query(`DELETE FROM ${parent} WHERE ${key} = ?1`).run(gone ?? null)
      if (onDelete === 'CASCADE') expect(rows()).toEqual([])
      else expect(rows()).toEqual([expect.objectContaining({ [column]: null })])
    })
  }
})

/** A value that no sample has, of the kind of the column's. */
function other(column: string): string | number {
  const values: Row = {
    purpose: 'reset',
    livemode: 7,
    position: 77,
    final_revision: 77,
    version: 77,
    behind: 77,
    reply_to: 'm4',
    chatroom_id: 'c1',
    user_id: 'u1',
  }
  return values[column] ?? 'other'
}
