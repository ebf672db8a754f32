import type { Context } from 'elysia'

const HEADER = 'x-request-id'
const VALID = /^[A-Za-z0-9._-]{1,64}$/

type Headers = Context['set']['headers']

/** Keeps a valid id of the caller, so that a trace can cross services; makes one otherwise. */
export function assignRequestId(request: Request, headers: Headers): void {
  const given = request.headers.get(HEADER)
  headers[HEADER] = given !== null && VALID.test(given) ? given : crypto.randomUUID()
}

/** The id of the request these response headers belong to. */
export function requestId(headers: Headers): string {
  return String(headers[HEADER] ?? '')
}
