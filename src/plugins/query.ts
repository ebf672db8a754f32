import { type FieldError, invalid } from '#src/lib/problem.ts'
import { parseFields } from './text.ts'

/**
 * The `beforeHandle` of each route that takes a query: refuses what Elysia's own reading of it replaces or leaves out,
 * which is bytes that are no UTF-8 and a name given twice. @throws Problem 422
 */
export function strictQuery({ request }: { request: Request }): void {
  const errors = queryFaults(request)
  if (errors.length > 0) throw invalid(...errors)
}

/** What is wrong with a query before any schema is asked. */
export function queryFaults({ url }: Request): FieldError[] {
  const at = url.indexOf('?')
  return at === -1 ? [] : parseFields(url.slice(at + 1)).errors
}
