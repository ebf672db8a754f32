import type { Database as Sqlite } from 'bun:sqlite'
import type { BunSQLiteDatabase } from 'drizzle-orm/bun-sqlite'
import type * as schema from '#drizzle/schema.ts'
import type { StatementStep } from './statement.ts'

export type Orm = BunSQLiteDatabase<typeof schema>

/** One connection to the database file. */
export interface Connection {
  orm: Orm
  sqlite: Sqlite
  /** Runs a statement of a command or a query. */
  answer(step: StatementStep): unknown
}
