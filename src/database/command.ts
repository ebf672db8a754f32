import type { Database as Sqlite } from 'bun:sqlite'
import type { BunSQLiteDatabase } from 'drizzle-orm/bun-sqlite'
import type * as schema from '#drizzle/schema.ts'

export type Orm = BunSQLiteDatabase<typeof schema>

/** What a statement is prepared against. */
export interface Connection {
  orm: Orm
  sqlite: Sqlite
}

/** The transaction a command runs in. */
export interface Tx {
  /** Runs another command as a part of this one; when it throws, this one is rolled back too, caught or not. */
  run<I, O>(command: Command<I, O>, input: I): O
  /** Publishes after the commit; a rolled back command tells nobody. */
  notify(topic: string, payload: unknown): void
}

/**
 * A named unit of writing. Its input and output are plain data and `prepare` binds its statements to a
 * connection once, so that the writer can move to a thread of its own without touching any command. It may run
 * twice before it is committed once: it changes nothing but the database.
 */
export interface Command<I, O> {
  readonly name: string
  readonly prepare: (connection: Connection) => (tx: Tx, input: I) => O
}

export function command<I, O>(
  name: string,
  prepare: (connection: Connection) => (tx: Tx, input: I) => O,
): Command<I, O> {
  return { name, prepare }
}
