import { isIP } from 'node:net'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether a page of another origin made a browser send this: a form or a simple `fetch` needs no permission of ours (CORS
 * only keeps the answer from that page). A subdomain next to ours (`same-site`) is another origin too. Browsers since 2023
 * say so in `Sec-Fetch-Site`, which no page can set (W3C Fetch Metadata); for older ones the `Origin` decides. Programs
 * that are no browser send neither.
 * @param allowed origins that may
 */
export function isCrossSite(
  { method, headers }: Pick<Request, 'method' | 'headers'>,
  allowed: ReadonlySet<string>,
): boolean {
  if (SAFE_METHODS.has(method)) return false
  const origin = headers.get('origin')
  if (origin !== null && allowed.has(origin)) return false
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site !== 'same-origin' && site !== 'none'
  // A proxy may have ended TLS, so the scheme says nothing.
  return origin !== null && URL.parse(origin)?.host !== headers.get('host')?.toLowerCase()
}

/**
 * Whether a `Host` is the name of a server on this machine. Any other name may have been pointed here by its owner, whose
 * page a browser then takes for ours and lets read what this server answers (DNS rebinding). An address cannot be pointed
 * elsewhere.
 * @param known names that are ours besides
 */
export function isLocalHost(host: string, known: readonly string[] = []): boolean {
  const name = nameOf(host)
  if (name === undefined) return false
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  if (isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return true
  return known.some((one) => nameOf(one) === name)
}

/** Without the port, in lower case, and without the dot that may end it. */
function nameOf(host: string): string | undefined {
  if (/[/?#@\\]/.test(host)) return undefined
  return URL.parse(`http://${host}/`)?.hostname.replace(/\.$/, '')
}
