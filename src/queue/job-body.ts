import type { Static, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/** The `parse` of a job kind whose bodies match a schema. It throws a TypeError that names what does not match. */
export function bodyParser<S extends TSchema>(
  kind: string,
  schema: S,
): (body: unknown) => Static<S> {
  return (body) => {
    if (Value.Check(schema, body)) return body
    const fault = Value.Errors(schema, body).First()
    throw new TypeError(`The body of a ${kind} job is wrong at '${fault?.path}': ${fault?.message}`)
  }
}
