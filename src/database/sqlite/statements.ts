import type { Statement as Prepared, Database as Sqlite } from 'bun:sqlite'
import type { Compiled, Parameters, Statement, StatementStep, Value } from '../statement.ts'
import { type Query, runSteps, StepTx } from '../steps.ts'

interface Ready {
  prepared: Prepared<unknown, Value[]>
  bind: (values: Parameters) => Value[]
}

/** Runs the statements of commands and queries on one connection, each prepared at its first use. */
export function createStatements(sqlite: Sqlite): (step: StatementStep) => unknown {
  const known = new Map<Statement<Parameters, unknown>, Ready>()

  function prepare(statement: Statement<Parameters, unknown>): Ready {
    const { text, slots } = statement.sqlite()
    const ready = { prepared: sqlite.prepare<unknown, Value[]>(text), bind: createBinder(slots) }
    known.set(statement, ready)
    return ready
  }

  return ({ ask, statement, values }) => {
    const { prepared, bind } = known.get(statement) ?? prepare(statement)
    const bound = bind(values)
    if (ask === 'first') return prepared.get(...bound) ?? undefined
    if (ask === 'all') return prepared.all(...bound)
    const { changes, lastInsertRowid } = prepared.run(...bound)
    if (ask === 'run') return changes
    return changes === 0 ? undefined : Number(lastInsertRowid)
  }
}

/** A loop and not `map`: it runs at each statement. */
function createBinder(slots: Compiled['slots']): Ready['bind'] {
  const names = slots.map((slot) => ('name' in slot ? slot.name : undefined))
  const constants = slots.map((slot) => ('value' in slot ? slot.value : null))
  return (values) => {
    const bound: Value[] = []
    for (let at = 0; at < names.length; at++) {
      const name = names[at]
      const value = name === undefined ? constants[at] : values[name]
      // SQLite would take it for NULL.
      if (value === undefined) throw new TypeError(`There is no value for '${name}'`)
      bound.push(value)
    }
    return bound
  }
}

/** Runs a query on a connection that is no {@link Database}, as one that only reads the file of a running server. */
export function readOnce<I, O>(sqlite: Sqlite, query: Query<I, O>, input: I): O {
  const answer = createStatements(sqlite)
  return runSteps(query.steps(new StepTx(refuseNotice), input), answer)
}

/** @throws TypeError always: a query publishes nothing */
export function refuseNotice(): never {
  throw new TypeError('A query publishes nothing')
}
