import { Elysia } from 'elysia'

const METHODS = 'GET, POST, PATCH, DELETE'
const REQUEST_HEADERS =
  'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id, Traceparent'
const EXPOSED_HEADERS =
  'Allow, Content-Disposition, ETag, Location, X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed, WWW-Authenticate'
const PREFLIGHT_SECONDS = '600'

/**
 * Lets pages of the given origins call the API, and no others. Never with credentials: there are no cookies,
 * and a token is put into a header by the page itself.
 */
export function createCors({ origins }: { origins: readonly string[] }) {
  const allowed = new Set(origins)
  return new Elysia({ name: 'cors' }).onRequest(({ request, set }) => {
    if (allowed.size === 0) return
    const origin = request.headers.get('origin')
    set.headers['vary'] = 'Origin'
    if (origin === null || !allowed.has(origin)) return
    set.headers['access-control-allow-origin'] = origin
    set.headers['access-control-expose-headers'] = EXPOSED_HEADERS
    if (request.method !== 'OPTIONS' || !request.headers.has('access-control-request-method'))
      return
    return new Response(null, {
      status: 204,
      headers: {
        ...(set.headers as Record<string, string>),
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': REQUEST_HEADERS,
        'access-control-max-age': PREFLIGHT_SECONDS,
      },
    })
  })
}
