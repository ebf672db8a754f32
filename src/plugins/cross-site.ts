import { Elysia } from 'elysia'
import { isCrossSite, isLocalHost } from '#src/lib/cross-site.ts'
import { problem } from '#src/lib/problem.ts'

export interface CrossSiteOptions {
  /** Origins whose pages may call the API. */
  origins: readonly string[]
  /** Names of this server, where any other `Host` is refused: in development, which has no proxy in front. */
  onlyHosts: readonly string[] | undefined
}

/**
 * Refuses what a page of another origin makes a browser send without a token: nobody asked for the code or the sign-up.
 * With a token a browser asks first, which CORS decides.
 */
export function createCrossSite({ origins, onlyHosts }: CrossSiteOptions) {
  const allowed = new Set(origins)
  return new Elysia({ name: 'cross-site' }).onRequest(({ request }) => {
    const { headers } = request
    const host = headers.get('host')
    if (onlyHosts !== undefined && host !== null && !isLocalHost(host, onlyHosts)) {
      throw problem('unknown-host')
    }
    const hasToken = /^bearer\s/i.test(headers.get('authorization') ?? '')
    if (hasToken || !isCrossSite(request, allowed)) return
    throw problem('cross-site')
  })
}
