import type { Parameters, Statement, StatementStep } from './statement.ts'

/**
 * A piece of a command: it yields its statements, is given what they found, and returns its result. The engine decides
 * whether to wait in between: SQLite runs them on the spot, PostgreSQL awaits each.
 */
export type Steps<O> = Generator<StatementStep, O, unknown>

/** What a query reads with. */
export interface ReadTx {
  /** The first row, or undefined. */
  first<P extends Parameters, R>(statement: Statement<P, R>, values: P): Steps<R | undefined>
  all<P extends Parameters, R>(statement: Statement<P, R>, values: P): Steps<R[]>
}

/** The transaction of a command. */
export interface Tx extends ReadTx {
  /** Gives how many rows were changed. */
  run<P extends Parameters>(statement: Statement<P, unknown>, values: P): Steps<number>
  /**
   * Gives the id that the new row was given, or undefined where a conflict clause left it out. On SQLite it costs less
   * than RETURNING, which is a trigger there.
   */
  insert<P extends Parameters>(statement: Statement<P, never>, values: P): Steps<number | undefined>
  /** Publishes after the commit; a command that fails publishes nothing. */
  notify(topic: string, payload: unknown): void
}

/** A named unit of writing; its input and output are plain data. */
export interface Command<I, O> {
  readonly name: string
  readonly steps: (tx: Tx, input: I) => Steps<O>
}

const known = new Map<string, Command<never, unknown>>()

/**
 * Declares a command, which is committed as a whole. Its input and output are plain data, as another thread may run it,
 * and it changes nothing but the database, as it may run twice. Run it with `database.run`; within another command
 * delegate to its generator: `yield* take.steps(tx, input)`. It becomes known by its name; where several are made of one
 * name, as one for each application, the last.
 */
export function command<I, O>(name: string, steps: (tx: Tx, input: I) => Steps<O>): Command<I, O> {
  const made = { name, steps }
  known.set(name, made)
  return made
}

/** For a thread with one application, where each name is one command. @throws TypeError where there is none */
export function commandNamed(name: string): Command<never, unknown> {
  const found = known.get(name)
  if (!found) throw new TypeError(`No command is named '${name}' here`)
  return found
}

/** A command that came from another thread as a part of an input has kept nothing but its name. */
export type CommandOrName = Command<never, unknown> | { readonly name: string }

export function resolveCommand(command: CommandOrName): Command<never, unknown> {
  return 'steps' in command ? command : commandNamed(command.name)
}

/** A named unit of reading; its input and output are plain data. */
export interface Query<I, O> {
  readonly name: string
  readonly steps: (tx: ReadTx, input: I) => Steps<O>
}

/** Declares a query. Run it with `database.read`. */
export function query<I, O>(name: string, steps: (tx: ReadTx, input: I) => Steps<O>): Query<I, O> {
  return { name, steps }
}

/**
 * The transaction as a generator sees it: each method yields one step. The engine answers a step with what its kind
 * promises, so that the type of the row is that of the statement.
 */
export class StepTx implements Tx {
  readonly notify: Tx['notify']
  constructor(notify: Tx['notify']) {
    this.notify = notify
  }
  *first<P extends Parameters, R>(statement: Statement<P, R>, values: P): Steps<R | undefined> {
    return (yield { ask: 'first', statement: general(statement), values }) as R | undefined
  }
  *all<P extends Parameters, R>(statement: Statement<P, R>, values: P): Steps<R[]> {
    return (yield { ask: 'all', statement: general(statement), values }) as R[]
  }
  *run<P extends Parameters>(statement: Statement<P, unknown>, values: P): Steps<number> {
    return (yield { ask: 'run', statement: general(statement), values }) as number
  }
  *insert<P extends Parameters>(
    statement: Statement<P, never>,
    values: P,
  ): Steps<number | undefined> {
    return (yield { ask: 'insert', statement: general(statement), values }) as number | undefined
  }
}

/**
 * Runs to the end without waiting. What a statement throws is thrown inside, where it was yielded, and again at the end
 * where the generator went on: half of a command must not be committed.
 */
export function runSteps<O>(steps: Steps<O>, answer: (step: StatementStep) => unknown): O {
  let failure: { error: unknown } | undefined
  let next = steps.next()
  while (!next.done) {
    let found: unknown
    try {
      found = answer(next.value)
    } catch (error) {
      failure ??= { error }
      next = steps.throw(error)
      continue
    }
    next = steps.next(found)
  }
  if (failure) throw failure.error
  return next.value
}

function general<P extends Parameters, R>(statement: Statement<P, R>) {
  // What it was declared with is checked where it is yielded.
  return statement as unknown as Statement<Parameters, unknown>
}
