import Stripe from 'stripe'
import { type Clock, systemClock } from '#src/lib/clock.ts'
import type { Meters, ProviderOutcome } from '#src/lib/meters.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import type { BillingSettings } from './settings.ts'

const LONGEST_PAUSE_MS = MINUTE

type Send = (url: string | URL | Request, init?: RequestInit) => Promise<Response>

/** The SDK against the real API or another address. It never retries by itself: the queue does, also after a restart. */
export function createStripe(
  { secretKey, apiBase, timeoutMs }: BillingSettings,
  meters: Meters,
  clock: Clock = systemClock,
): Stripe {
  const base = apiBase === undefined ? undefined : new URL(apiBase)
  return new Stripe(secretKey, {
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient(
      Object.assign(createCircuit(meteredFetch(meters), clock), { preconnect: fetch.preconnect }),
    ),
    ...(base && {
      host: base.hostname,
      port: base.port || (base.protocol === 'http:' ? 80 : 443),
      protocol: base.protocol === 'http:' ? 'http' : 'https',
    }),
  })
}

function meteredFetch(meters: Meters): Send {
  return async (url, init) => {
    const startedAt = performance.now()
    const count = (outcome: ProviderOutcome) =>
      meters.providerCall('stripe', outcome, performance.now() - startedAt)
    try {
      const answer = await fetch(url, init)
      count(outcomeOf(answer.status))
      return answer
    } catch (error) {
      count(init?.signal?.aborted ? 'timeout' : 'unavailable')
      throw error
    }
  }
}

function outcomeOf(status: number): ProviderOutcome {
  if (status < 400) return 'ok'
  if (status === 429) return 'limited'
  return status < 500 ? 'refused' : 'unavailable'
}

/**
 * Respects Stripe's 429 (https://docs.stripe.com/rate-limits): until its Retry-After is over, every call is answered 429
 * here, without the network. Without that header the pause doubles from a second to a minute.
 */
export function createCircuit(send: Send, clock: Clock): Send {
  let openUntil = 0
  let pauseMs = 0

  return async (url, init) => {
    const now = clock.now()
    // A pause longer than the longest one was set by a clock that has since been set back.
    if (now < openUntil && openUntil - now <= LONGEST_PAUSE_MS) return limited(openUntil - now)
    const answer = await send(url, init)
    if (answer.status !== 429) {
      if (answer.ok) pauseMs = 0
      return answer
    }
    // Another call has locked this one object; calls for other objects are not refused.
    if (/"code":\s*"lock_timeout"/.test(await answer.clone().text())) return answer
    const asked = Number(answer.headers.get('retry-after') ?? 'NaN') * SECOND
    pauseMs = Math.min(asked >= 0 ? asked : Math.max(SECOND, pauseMs * 2), LONGEST_PAUSE_MS)
    openUntil = Math.max(openUntil, clock.now() + pauseMs)
    return limited(pauseMs)
  }
}

/** In Stripe's own form, so that the SDK throws the same error as for a real 429. */
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
