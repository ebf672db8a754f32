import Stripe from 'stripe'
import type { Meters, ProviderOutcome } from '#src/lib/meters.ts'
import type { BillingSettings } from './settings.ts'

/** The SDK against the real API or another address. Never retries by itself: the queue does, and outlives us. */
export function createStripe(
  { secretKey, apiBase, timeoutMs }: BillingSettings,
  meters: Meters,
): Stripe {
  const base = apiBase === undefined ? undefined : new URL(apiBase)
  return new Stripe(secretKey, {
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient(meteredFetch(meters)),
    ...(base && {
      host: base.hostname,
      port: base.port || (base.protocol === 'http:' ? 80 : 443),
      protocol: base.protocol === 'http:' ? 'http' : 'https',
    }),
  })
}

function meteredFetch(meters: Meters): typeof fetch {
  const metered = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
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
  return Object.assign(metered, { preconnect: fetch.preconnect })
}

function outcomeOf(status: number): ProviderOutcome {
  if (status < 400) return 'ok'
  if (status === 429) return 'limited'
  return status < 500 ? 'refused' : 'unavailable'
}
