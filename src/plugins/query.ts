import { invalid } from '#src/lib/problem.ts'
import { parseFields } from './text.ts'

/**
 * The `beforeHandle` of each route that takes a query: refuses what Elysia's own reading of it replaces or leaves out,
 * which is bytes that are no UTF-8 and a name given twice. @throws Problem 422
 */
export function strictQuery({ request: { url } }: { request: Request }): void {
  const at = url.indexOf('?')
  if (at === -1) return
  const { errors } = parseFields(url.slice(at + 1))
  if (errors.length > 0) throw invalid(...errors)
}
