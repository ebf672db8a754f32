import { expect } from 'bun:test'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Submission } from '#src/database/sqlite/writer.ts'

/** The same database, held to what another thread would need: inputs and outputs that JSON carries. */
export function checkPlainData(database: Database): Database {
  const submit = <I, O>(one: Submission<I, O>) =>
    database.submit({
      ...one,
      input: carried(one.command.name, one.input),
      resolve: (value) => one.resolve(carried(one.command.name, value)),
    })
  const run: Database['run'] = (command, input) =>
    new Promise((resolve, reject) => submit({ command, input, resolve, reject }))
  return {
    ...database,
    submit,
    run,
    read: async (query, input) =>
      carried(query.name, await database.read(query, carried(query.name, input))),
  }
}

function carried<T>(command: string, value: T): T {
  if (value === undefined) return value
  const copy: unknown = JSON.parse(JSON.stringify(value))
  // Absent and undefined are the same to every command; a function is only ever that of a command within an effect.
  expect({ command, value: copy }).toEqual({ command, value: withoutFunctions(value) })
  return value
}

function withoutFunctions(value: unknown): unknown {
  if (typeof value === 'function') return undefined
  if (Array.isArray(value)) return value.map(withoutFunctions)
  if (typeof value !== 'object' || value === null) return value
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutFunctions(one)]))
}
