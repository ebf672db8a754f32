import { is, Placeholder, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { SQLiteSyncDialect, type SQLiteTable } from 'drizzle-orm/sqlite-core'
import { getTableColumns } from 'drizzle-orm/utils'

/** What a statement can bind. */
export type Value = string | number | null

/** Values by the names of their placeholders. */
export type Parameters = Record<string, Value>

/**
 * One statement of a module, written once through Drizzle and compiled once per engine. `P` are its parameters and `R`
 * is its row, as the engine stores it: booleans are 0 and 1, instants are milliseconds.
 */
export interface Statement<P extends Parameters, R> {
  /** The text for SQLite and what is bound to its question marks, in order. */
  readonly sqlite: () => Compiled
  /** Only for the type checker. */
  readonly types?: { parameters: (values: P) => void; row: R }
}

/**
 * What a command or a query asks of its engine: the first row, all rows, how many rows were changed, or the id that a new
 * row was given.
 */
export interface StatementStep {
  ask: 'first' | 'all' | 'run' | 'insert'
  statement: Statement<Parameters, unknown>
  values: Parameters
}

export interface Compiled {
  text: string
  slots: readonly ({ name: string } | { value: Value })[]
}

/**
 * Declares a statement. The builder runs at the first use, not at import.
 *
 *     const findRoom = statement<{ roomId: string }, { revision: number }>(
 *       (p) => sql`SELECT ${chatrooms.revision} AS revision FROM ${chatrooms} WHERE ${chatrooms.id} = ${p.roomId}`,
 *     )
 *
 * Every column of the row needs a name (`AS`), or `.as('name')` in a builder: names decide, not positions.
 */
export function statement<P extends Parameters, R = never>(
  build: (placeholders: { [K in keyof P]: Placeholder }) => SQLWrapper,
): Statement<P, R> {
  let compiled: Compiled | undefined
  return {
    sqlite() {
      compiled ??= compile(build(placeholders<P>()))
      return compiled
    },
  }
}

/** `INSERT INTO table (columns) VALUES (values)`; a conflict clause or RETURNING may follow. */
export function insertInto<T extends SQLiteTable>(table: T, values: ValuesOf<T>): SQL {
  const entries = entriesOf(table, values)
  const names = sql.join(
    entries.map(([name]) => name),
    sql`, `,
  )
  const list = sql.join(
    entries.map(([, value]) => value),
    sql`, `,
  )
  return sql`INSERT INTO ${table} (${names}) VALUES (${list})`
}

/** `UPDATE table SET column = value, …`; WHERE follows. */
export function update<T extends SQLiteTable>(table: T, values: ValuesOf<T>): SQL {
  const list = sql.join(
    entriesOf(table, values).map(([name, value]) => sql`${name} = ${value}`),
    sql`, `,
  )
  return sql`UPDATE ${table} SET ${list}`
}

/** `column AS "name", …`: what a row holds, by the names that it is to have. */
export function columns(fields: Record<string, SQLWrapper>): SQL {
  const list = Object.entries(fields).map(
    ([name, field]) => sql`${field} AS ${sql.identifier(name)}`,
  )
  return sql.join(list, sql`, `)
}

/** Columns by their names in the schema, each with a placeholder, a constant or an expression. */
type ValuesOf<T extends SQLiteTable> = { [K in keyof T['_']['columns']]?: SQLWrapper | Value }

function entriesOf<T extends SQLiteTable>(table: T, values: ValuesOf<T>): [SQL, SQL][] {
  const columns = getTableColumns(table)
  return Object.entries(values).map(([key, value]) => {
    const column = columns[key]
    if (!column) throw new TypeError(`There is no column '${key}'`)
    return [sql`${sql.identifier(column.name)}`, sql`${value}`]
  })
}

const dialect = new SQLiteSyncDialect()

/** A placeholder for any name that is asked for. */
function placeholders<P extends Parameters>(): { [K in keyof P]: Placeholder } {
  // The type names the parameters, of which there are no values to list here.
  return new Proxy({} as { [K in keyof P]: Placeholder }, {
    get: (_, name) => sql.placeholder(String(name)),
  })
}

function compile(query: SQLWrapper): Compiled {
  const { sql: text, params } = dialect.sqlToQuery(query.getSQL())
  return {
    text,
    // What is no placeholder is a constant, which Drizzle has made ready to bind.
    slots: params.map((param) =>
      is(param, Placeholder) ? { name: param.name } : { value: param as Value },
    ),
  }
}
