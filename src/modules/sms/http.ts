import { SECOND } from '#src/lib/time.ts'
import { NotAccepted } from './gateway.ts'

const TIMEOUT_MS = 10 * SECOND

/** Failures of `fetch` before a byte of the request was sent. */
const NEVER_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

/**
 * Posts once: over a new connection, as fetch repeats a request whose kept connection was closed, and without following
 * redirects, as the request contains a code.
 * @throws NotAccepted where the request was surely not received
 */
export async function post(
  url: string,
  request: { headers: Record<string, string>; body: string },
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(url, {
      ...request,
      method: 'POST',
      keepalive: false,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (NEVER_SENT.includes(code)) throw new NotAccepted(code, { temporary: true })
    throw error
  }
}

/** `Retry-After` in seconds; dates are not worth their parsing here. */
export function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? 'NaN')
  return seconds >= 0 ? seconds * SECOND : undefined
}
