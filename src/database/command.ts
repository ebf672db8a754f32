import type { Database as Sqlite } from 'bun:sqlite'
import type { BunSQLiteDatabase } from 'drizzle-orm/bun-sqlite'
import type * as schema from '#drizzle/schema.ts'
import type { StatementStep } from './statement.ts'

export type Orm = BunSQLiteDatabase<typeof schema>

/** What a statement is prepared against. */
export interface Connection {
  orm: Orm
  sqlite: Sqlite
  /** Runs a statement of a command or a query. */
  answer(step: StatementStep): unknown
}

/** The transaction a command runs in. */
export interface SyncTx {
  /** Runs another command as a part of this one; when it throws, this one is rolled back too, caught or not. */
  run<I, O>(command: Command<I, O>, input: I): O
  /** Publishes after the commit; a rolled back command tells nobody. */
  notify(topic: string, payload: unknown): void
}

/**
 * A named unit of writing. Its input and output are what JSON carries and `prepare` binds its statements to a
 * connection once, so that it can be run on another thread, which knows it by its name. It may run twice before
 * it is committed once: it changes nothing but the database.
 */
export interface Command<I, O> {
  readonly name: string
  readonly prepare: (connection: Connection) => (tx: SyncTx, input: I) => O
}

const known = new Map<string, Command<never, unknown>>()

/** A command in the old form, a closure over `bun:sqlite`; new ones are declared by `command` of steps.ts. */
export function syncCommand<I, O>(
  name: string,
  prepare: (connection: Connection) => (tx: SyncTx, input: I) => O,
): Command<I, O> {
  return register({ name, prepare })
}

/** Makes a command known by its name; where several are made of one name, as one for each application, the last. */
export function register<C extends Command<never, unknown>>(made: C): C {
  known.set(made.name, made)
  return made
}

/** For a thread with one application, where each name is one command. @throws TypeError where there is none */
export function commandNamed(name: string): Command<never, unknown> {
  const found = known.get(name)
  if (!found) throw new TypeError(`No command is named '${name}' here`)
  return found
}

/** What came from another thread as a part of an input has kept nothing but its name. */
export type CommandOrName = Command<never, unknown> | { readonly name: string }

export function whole(command: CommandOrName): Command<never, unknown> {
  return 'prepare' in command ? command : commandNamed(command.name)
}

/** Also refuses a Drizzle query that was built but never run, which is a thenable. */
export function refusePromise<O>(name: string, value: O): O {
  if (typeof value !== 'object' || value === null || !('then' in value)) return value
  if (value instanceof Promise) value.catch(() => {})
  throw new TypeError(`Command '${name}' returned a promise: a command must be synchronous`)
}
