import type { Clock } from '#src/lib/clock.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'

const LONGEST_PAUSE_MS = MINUTE

type Send = (url: string | URL | Request, init?: RequestInit) => Promise<Response>

/**
 * Respects Stripe's 429 (https://docs.stripe.com/rate-limits): until its Retry-After is over, every call is answered 429
 * here, without the network. Without that header the pause doubles from a second to a minute.
 */
export function createCircuit(send: Send, clock: Clock): Send {
  let openUntil = 0
  let pauseMs = 0

  return async (url, init) => {
    const now = clock.now()
    // A pause that is longer than any was set by a clock that has since been set back.
    if (now < openUntil && openUntil - now <= LONGEST_PAUSE_MS) return limited(openUntil - now)
    const answer = await send(url, init)
    if (answer.status !== 429) {
      if (answer.ok) pauseMs = 0
      return answer
    }
    // Another call holds this one object; all others are welcome.
    if (/"code":\s*"lock_timeout"/.test(await answer.clone().text())) return answer
    const asked = Number(answer.headers.get('retry-after') ?? 'NaN') * SECOND
    pauseMs = Math.min(asked >= 0 ? asked : Math.max(SECOND, pauseMs * 2), LONGEST_PAUSE_MS)
    openUntil = Math.max(openUntil, clock.now() + pauseMs)
    return limited(pauseMs)
  }
}

/** In Stripe's own form, so that the SDK makes of it what it makes of the real one. */
function limited(waitMs: number): Response {
  return Response.json(
    {
      error: {
        type: 'invalid_request_error',
        code: 'rate_limit',
        message: 'Stripe asked this server to wait.',
      },
    },
    { status: 429, headers: { 'retry-after': String(Math.ceil(waitMs / SECOND)) } },
  )
}
