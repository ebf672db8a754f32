import type { Statement as Prepared, Database as Sqlite } from 'bun:sqlite'
import type { Compiled, Parameters, Statement, StatementStep, Value } from '../statement.ts'

interface Ready {
  prepared: Prepared<unknown, Value[]>
  slots: Compiled['slots']
}

/** Runs the statements of commands and queries on one connection, each prepared at its first use. */
export function createStatements(sqlite: Sqlite): (step: StatementStep) => unknown {
  const known = new Map<Statement<Parameters, unknown>, Ready>()

  function prepare(statement: Statement<Parameters, unknown>): Ready {
    const { text, slots } = statement.sqlite()
    const ready = { prepared: sqlite.prepare<unknown, Value[]>(text), slots }
    known.set(statement, ready)
    return ready
  }

  return ({ ask, statement, values }) => {
    const { prepared, slots } = known.get(statement) ?? prepare(statement)
    const bound = slots.map((slot) => ('value' in slot ? slot.value : valueIn(values, slot.name)))
    if (ask === 'first') return prepared.get(...bound) ?? undefined
    if (ask === 'all') return prepared.all(...bound)
    return prepared.run(...bound).changes
  }
}

/** @throws TypeError where there is none: SQLite would take it for NULL */
function valueIn(values: Parameters, name: string): Value {
  const value = values[name]
  if (value === undefined) throw new TypeError(`There is no value for '${name}'`)
  return value
}
