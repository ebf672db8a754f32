import type { Database as Sqlite } from 'bun:sqlite'
import { is, Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { lazy } from '#src/lib/lazy.ts'

type Bindable = string | number | null

/** A select that Drizzle wrote and SQLite runs. Values are named as its placeholders. */
export interface Compiled<R> {
  get(values: Record<string, Bindable>): R | undefined
  all(values: Record<string, Bindable>): R[]
  /** Row by row; the statement ends where the loop does. Never keep it open across an `await`. */
  each(values: Record<string, Bindable>): Iterable<R>
}

/**
 * For hot reads: Drizzle takes twice as long to put a row together as SQLite to read it. Every field has to
 * carry its name, see {@link named}; columns with a `mode` come as they are stored. Neither does its part
 * before the first use: all of them together took a tenth of the start.
 */
export function compile<R>(
  sqlite: Sqlite,
  query: () => { toSQL(): { sql: string; params: unknown[] }; all(): R[] },
): Compiled<R> {
  const ready = lazy(() => {
    const { sql, params } = query().toSQL()
    return { statement: sqlite.prepare<R, Bindable[]>(sql), params }
  })
  const bind = (params: unknown[], values: Record<string, Bindable>) =>
    params.map((param) => {
      // What is no placeholder is a value that Drizzle made ready for its driver, which is this one.
      if (!is(param, Placeholder)) return param as Bindable
      const value = values[param.name]
      if (value === undefined) throw new TypeError(`There is no value for '${param.name}'`)
      return value
    })
  return {
    get(values) {
      const { statement, params } = ready()
      return statement.get(...bind(params, values)) ?? undefined
    },
    all(values) {
      const { statement, params } = ready()
      return statement.all(...bind(params, values))
    },
    each(values) {
      const { statement, params } = ready()
      return statement.iterate(...bind(params, values))
    },
  }
}

/** The columns of a select, each called as its field. */
export function named<C extends Record<string, SQLiteColumn>>(columns: C) {
  const entries = Object.entries(columns).map(([name, column]) => [name, sql`${column}`.as(name)])
  // The same keys, each with the type of its column.
  return Object.fromEntries(entries) as { [K in keyof C]: SQL.Aliased<DataOf<C[K]>> }
}

type DataOf<C extends SQLiteColumn> = C['_']['notNull'] extends true
  ? C['_']['data']
  : C['_']['data'] | null
