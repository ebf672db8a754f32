import Stripe from 'stripe'
import { type Clock, systemClock } from '#src/lib/clock.ts'
import type { Meters, ProviderOutcome } from '#src/lib/meters.ts'
import { createCircuit } from './circuit.ts'
import type { BillingSettings } from './settings.ts'

/** The SDK against the real API or another address. Never retries by itself: the queue does, and outlives us. */
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

function meteredFetch(meters: Meters) {
  return async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const startedAt = performance.now()
    const tell = (outcome: ProviderOutcome) =>
      meters.providerCall('stripe', outcome, performance.now() - startedAt)
    try {
      const answer = await fetch(url, init)
      tell(outcomeOf(answer.status))
      return answer
    } catch (error) {
      tell(init?.signal?.aborted ? 'timeout' : 'unavailable')
      throw error
    }
  }
}

function outcomeOf(status: number): ProviderOutcome {
  if (status < 400) return 'ok'
  if (status === 429) return 'limited'
  return status < 500 ? 'refused' : 'unavailable'
}
