import { type Command, register } from './command.ts'
import type { Parameters, Statement, StatementStep } from './statement.ts'

/** What a command or a query yields. */
export type Step = StatementStep | { ask: 'call'; command: Command<never, unknown>; input: unknown }

/**
 * A piece of a command: it yields its statements, is given what they found, and returns its result. The engine decides
 * whether to wait in between: SQLite runs them on the spot, PostgreSQL awaits each.
 */
export type Steps<O> = Generator<Step, O, unknown>

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
  /** Runs a command that is still written the old way, as a part of this one. */
  call<I, O>(command: Command<I, O>, input: I): Steps<O>
}

/** A command as a generator; see docs/architecture.md. */
export interface StepCommand<I, O> extends Command<I, O> {
  readonly steps: (tx: Tx, input: I) => Steps<O>
}

/**
 * Declares a command: a named unit of writing that is committed as a whole. Its input and output are plain data, as
 * another thread may run it, and it changes nothing but the database, as it may run twice. Run it with `database.run`;
 * within another command delegate to its generator: `yield* take.steps(tx, input)`.
 */
export function command<I, O>(
  name: string,
  steps: (tx: Tx, input: I) => Steps<O>,
): StepCommand<I, O> {
  return register({
    name,
    steps,
    prepare:
      ({ answer }) =>
      (outer, input: I) =>
        runSteps(steps(new StepTx(outer.notify), input), (step) =>
          step.ask === 'call' ? outer.run(step.command, step.input as never) : answer(step),
        ),
  })
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
  *call<I, O>(called: Command<I, O>, input: I): Steps<O> {
    return (yield { ask: 'call', command: called, input }) as O
  }
}

/** Runs to the end without waiting. What a step throws is thrown inside, where it was yielded. */
export function runSteps<O>(steps: Steps<O>, answer: (step: Step) => unknown): O {
  let next = steps.next()
  while (!next.done) {
    let found: unknown
    try {
      found = answer(next.value)
    } catch (error) {
      next = steps.throw(error)
      continue
    }
    next = steps.next(found)
  }
  return next.value
}

function general<P extends Parameters, R>(statement: Statement<P, R>) {
  // What it was declared with is checked where it is yielded.
  return statement as unknown as Statement<Parameters, unknown>
}
