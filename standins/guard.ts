import { isCrossSite, isLocalHost } from '#src/lib/cross-site.ts'

const NO_ORIGINS: ReadonlySet<string> = new Set()

/** For each page of a stand-in: another site's page must not lay it under its own buttons. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "frame-ancestors 'none'",
}

type Handle = (request: Request) => Response | Promise<Response>

/** Refuses first what is foreign: a stand-in has no login, and a page of any site can reach a developer's machine. */
export function guarded(handle: Handle): Handle {
  return (request) => {
    const host = request.headers.get('host')
    if (host === null || !isLocalHost(host)) {
      return new Response('A stand-in answers only to names of this machine.\n', { status: 421 })
    }
    if (isCrossSite(request, NO_ORIGINS)) {
      return new Response('Pages of other origins may not use a stand-in.\n', { status: 403 })
    }
    return handle(request)
  }
}
