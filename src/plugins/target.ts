import { Elysia } from 'elysia'
import { problem } from '#src/lib/problem.ts'
import { type MethodsOf, noRoute } from './routes.ts'

/** HTTP/1.0 needs no Host, and some balancers still ask for our health that way. */
const WITHOUT_HOST = new Set(['/livez', '/readyz'])

/**
 * Refuses what says unclearly where it goes, so that a proxy in front and this server can never take one
 * request for two different ones (RFC 9112, 3.2). With a `Host` that is none, `request.url` has no origin and
 * whoever parses it throws, outside of every handler.
 */
export function createTarget({ methodsOf }: { methodsOf: MethodsOf }) {
  return new Elysia({ name: 'target' }).onRequest(({ request, server }) => {
    const host = request.headers.get('host')
    const isWhole = URL.canParse(request.url)
    // A second Host is joined to the first.
    if (
      host === null ? !isWhole && !WITHOUT_HOST.has(request.url) : !isWhole || host.includes(',')
    ) {
      throw problem('invalid-host')
    }
    // Bun has matched the path as it was sent and gives `params` then. What it did not match, Elysia would match
    // again by the normalised path: `/x/..%2e\livez` would be `/livez`, past every rule of a proxy.
    if (server && !('params' in request)) throw noRoute(request, methodsOf)
  })
}
