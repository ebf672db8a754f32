import { Elysia } from 'elysia'
import type { Log } from '#src/lib/log.ts'
import type { Meters } from '#src/lib/meters.ts'
import { principalOf } from './auth.ts'
import { requestId } from './request-id.ts'
import { knownTraceId } from './trace.ts'

/** Asked every few seconds by machines; a line each would drown the others. */
const QUIET = new Set(['/livez', '/readyz', '/metrics'])
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * One line a request: the route's pattern and never the path, which may hold an id or a mistyped secret.
 * Of a stream it tells how long its start took. Mounted before everything else, to time it all.
 */
export function createRequestLog({ log, meters }: { log: Log; meters: Meters }) {
  const starts = new WeakMap<Request, number>()
  return new Elysia({ name: 'request-log' })
    .onRequest(({ request }) => {
      starts.set(request, performance.now())
    })
    .onAfterResponse({ as: 'global' }, ({ request, route, set, responseValue }) => {
      const durationMs = performance.now() - (starts.get(request) ?? performance.now())
      const status = responseValue instanceof Response ? responseValue.status : set.status
      // An empty one where nothing matched.
      const pattern = route || '(none)'
      const code = typeof status === 'number' ? status : 200
      meters.request(
        METHODS.has(request.method) ? request.method : 'other',
        pattern,
        code,
        durationMs,
      )
      log[QUIET.has(pattern) && code < 500 ? 'debug' : 'info'](
        {
          requestId: requestId(set.headers),
          method: request.method,
          route: pattern,
          status: code,
          ms: Math.round(durationMs * 100) / 100,
          userId: principalOf(request)?.userId,
          traceId: knownTraceId(request),
        },
        'request',
      )
    })
}
