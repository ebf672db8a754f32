import type { ValueError } from '@sinclair/typebox/compiler'
import { Elysia, type TSchema, ValidationError } from 'elysia'
import { isDatabaseFault } from '#src/database/fault.ts'
import type { Log } from '#src/lib/log.ts'
import { type FieldError, internal, invalid, Problem, problem } from '#src/lib/problem.ts'
import { leaveInFlight, quotaOf } from './auth.ts'
import { readBody, UnfitBody, UnreadableBody } from './body.ts'
import { queryFaults } from './query.ts'
import { assignRequestId, requestId } from './request-id.ts'
import { type MethodsOf, noRoute } from './routes.ts'
import { SHOWN_ERRORS, tellable } from './text.ts'

/**
 * Mounted first. Gives each request its id, reads bodies, and turns every fault into RFC 9457 problem
 * details: what is not a Problem becomes a bare 500 whose cause goes to the log and never to the client.
 */
export function createProblems({
  log,
  methodsOf,
  rawPaths = [],
}: {
  log: Log
  /** For 405 and `Allow`. */
  methodsOf: MethodsOf
  /** Where the handler reads the bytes by itself: a route's own `parse: 'none'` comes after this hook. */
  rawPaths?: readonly string[]
}) {
  return new Elysia({ name: 'problem' })
    .onRequest(({ request, set }) => assignRequestId(request, set.headers))
    .onParse({ as: 'global' }, ({ request, contentType, path }) =>
      rawPaths.includes(path) ? null : readBody(request, contentType),
    )
    .onError({ as: 'global' }, async ({ code, error, request, set }) => {
      leaveInFlight(request)
      const problem = toProblem(code, error, request, methodsOf)
      const id = requestId(set.headers)
      // What the writer has already said in full needs no stack at each request it refuses.
      if (isDatabaseFault(error))
        log.warn({ requestId: id }, 'request refused: database unavailable')
      else {
        if (!(error instanceof Problem) && problem.status >= 500)
          log.error({ err: error, requestId: id }, 'request failed')
        Object.assign(set.headers, await quotaOf(request))
      }
      // Where no route matched Elysia leaves it at 200, which the request log would then tell.
      set.status = problem.status
      return problem.respond(id)
    })
}

function toProblem(code: unknown, error: unknown, request: Request, methodsOf: MethodsOf): Problem {
  if (error instanceof Problem) return error
  if (error instanceof ValidationError) return toValidationProblem(error, request)
  if (code === 'NOT_FOUND') return noRoute(request, methodsOf)
  if (code === 'PARSE') return problem('malformed-body', { detail: 'The body could not be read.' })
  if (isDatabaseFault(error)) {
    return problem('database-unavailable', { headers: { 'retry-after': '5' } })
  }
  return internal()
}

function toValidationProblem(error: ValidationError, request: Request): Problem {
  const { type, validator, value } = error
  if (value instanceof UnreadableBody) return value.problem
  // An answer that does not match its own schema is our fault, not the client's.
  if (type === 'response') return internal()
  const isUnfit = value instanceof UnfitBody
  const told = new Map<string, FieldError>()
  const first = type === 'query' ? queryFaults(request) : isUnfit ? value.errors : []
  for (const fault of first) told.set(fault.pointer, fault)
  for (const { path, schema, message } of faultsOf(validator, isUnfit ? value.fields : value)) {
    if (told.size >= SHOWN_ERRORS) break
    const pointer = tellable(path)
    if (!told.has(pointer)) told.set(pointer, { pointer, detail: ownWords(schema) ?? message })
  }
  return invalid(...told.values())
}

/** What the schema says of itself; of one that may also be null, what the other says. */
function ownWords(schema: TSchema): string | undefined {
  const schemas: TSchema[] = [schema, ...(schema['anyOf'] ?? [])]
  const words = schemas.find(({ error }) => typeof error === 'string')?.['error']
  return words === undefined ? undefined : String(words)
}

/**
 * Elysia's own `all` puts the rejected value into words, and a value such as `{"toString": 1}` or one
 * nested ten thousand deep makes that throw.
 */
function faultsOf(validator: ValidationError['validator'], value: unknown): Iterable<ValueError> {
  if (!('Errors' in validator)) return []
  // `Errors` gives what TypeBox gives; Elysia types it as any.
  return validator.Errors(value) as Iterable<ValueError>
}
