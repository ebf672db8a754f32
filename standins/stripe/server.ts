import { type Clock, systemClock } from '#src/lib/clock.ts'
import { guarded } from '../guard.ts'
import { createApi } from './api.ts'
import { ApiError, type StripeBehaviour, type StripeCall, type StripeRefusal } from './behaviour.ts'
import { createDeliveries, type Deliveries } from './deliveries.ts'
import { parseForm } from './form.ts'
import { createIdempotency } from './idempotency.ts'
import { newId, type StandInPrice } from './objects.ts'
import { createPages } from './pages.ts'
import { createState, type StripeState } from './state.ts'

export interface StripeStandInOptions {
  /** 0, the default, takes a free one. */
  port?: number
  /** Signs the deliveries; give it to the server as STRIPE_WEBHOOK_SECRETS. */
  webhookSecret: string
  /** Where deliveries go; may be set later by `deliverTo`. */
  webhookUrl?: string
  /** Only this key is let in; every test key where it is left out. */
  secretKey?: string
  livemode?: boolean
  prices?: StandInPrice[]
  clock?: Clock
  /** Decides what each call of the API does; may wait. By default it answers. */
  behave?: (call: StripeCall) => StripeBehaviour | Promise<StripeBehaviour>
}

export interface StripeStandIn {
  /** The base URL for the SDK, and the control page. */
  url: string
  /** Every call of the API, oldest first. */
  calls: StripeCall[]
  state: StripeState
  deliveries: Deliveries
  /** Replaces what decides on each call. */
  behave(decide: NonNullable<StripeStandInOptions['behave']>): void
  deliverTo(webhookUrl: string): void
  stop(): Promise<void>
}

export const STAND_IN_PRICE = {
  id: 'price_standin_pro',
  amount: 900,
  currency: 'eur',
  interval: 'month',
  name: 'Pro',
} as const satisfies StandInPrice

const ENDLESS = new Promise<never>(() => {})

/** Speaks the Stripe API over loopback HTTP, keeps its state in memory, delivers signed events, and has pages to click. */
export function createStripeStandIn(options: StripeStandInOptions): StripeStandIn {
  const clock = options.clock ?? systemClock
  const deliveries = createDeliveries({ secret: options.webhookSecret, clock })
  deliveries.target = options.webhookUrl
  const state = createState({
    clock,
    deliveries,
    livemode: options.livemode ?? false,
    prices: options.prices ?? [STAND_IN_PRICE],
  })
  const calls: StripeCall[] = []
  const answering = { kind: 'answer' } as const
  let behave = options.behave ?? (() => answering)
  const api = createApi(state, () => url)
  const idempotently = createIdempotency()
  const pages = createPages({
    state,
    deliveries,
    failNext(behaviour, count) {
      let left = count
      behave = () => (left-- > 0 ? behaviour : answering)
    },
  })

  function answer(call: StripeCall): { status: number; body: object } {
    try {
      return { status: 200, body: structuredClone(api(call)) }
    } catch (error) {
      if (error instanceof ApiError) return { status: error.status, body: error.toBody() }
      throw error
    }
  }

  async function respond(call: StripeCall, authorized: boolean): Promise<Response> {
    const behaviour = authorized
      ? await behave(call)
      : ({ kind: 'status', status: 401 } satisfies StripeBehaviour)
    if (behaviour.kind === 'hang') return ENDLESS
    const { status, body, replayed } = await idempotently(call, async () => {
      if (behaviour.kind === 'status') return failure(behaviour.status)
      return behaviour.kind === 'error' ? refusal(behaviour) : answer(call)
    })
    if (behaviour.kind === 'lose') throw new ConnectionLost()
    if (behaviour.kind === 'late') {
      behaviour.made?.()
      await behaviour.until
    }
    const headers = new Headers({ 'request-id': newId('req') })
    if (replayed) headers.set('idempotent-replayed', 'true')
    if (behaviour.kind === 'status' && behaviour.retryAfter !== undefined) {
      headers.set('retry-after', String(behaviour.retryAfter))
    }
    return Response.json(body, { status, headers })
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: options.port ?? 0,
    idleTimeout: 0,
    fetch: guarded(async (request) => {
      const { pathname } = new URL(request.url)
      if (!pathname.startsWith('/v1/')) return pages(request)
      const call = await toCall(request)
      calls.push(call)
      try {
        return await respond(call, isAuthorized(request, options.secretKey))
      } catch (error) {
        if (error instanceof ConnectionLost) return cut()
        if (error instanceof ApiError) {
          return Response.json(error.toBody(), { status: error.status })
        }
        throw error
      }
    }),
  })
  const url = `http://127.0.0.1:${server.port}`

  return {
    url,
    calls,
    state,
    deliveries,
    behave(decide) {
      behave = decide
    },
    deliverTo(webhookUrl) {
      deliveries.target = webhookUrl
    },
    async stop() {
      deliveries.stop()
      await server.stop(true)
    },
  }
}

class ConnectionLost extends Error {}

/** Headers that promise a body, and a reset instead of it. */
function cut(): Response {
  return new Response(
    new ReadableStream({
      async start(controller) {
        controller.enqueue('{')
        await Bun.sleep(5)
        controller.error()
      },
    }),
  )
}

async function toCall(request: Request): Promise<StripeCall> {
  const { pathname, search } = new URL(request.url)
  const form = request.method === 'POST' ? await request.text() : search.slice(1)
  return {
    method: request.method,
    path: pathname,
    params: parseForm(form),
    idempotencyKey: request.headers.get('idempotency-key') ?? undefined,
    apiVersion: request.headers.get('stripe-version') ?? undefined,
  }
}

function isAuthorized(request: Request, secretKey: string | undefined): boolean {
  const key = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1]
  if (secretKey !== undefined) return key === secretKey
  return key !== undefined && /^(sk|rk)_test_/.test(key)
}

function refusal({ status, message, ...rest }: StripeRefusal): { status: number; body: object } {
  return { status, body: new ApiError(status, message, rest).toBody() }
}

function failure(status: number): { status: number; body: object } {
  const types: Record<number, string> = { 401: 'invalid_request_error', 429: 'rate_limit_error' }
  const type = types[status] ?? 'api_error'
  const code = status === 429 ? 'rate_limit' : undefined
  return {
    status,
    body: new ApiError(status, 'The stand-in was asked to fail.', {
      type,
      ...(code && { code }),
    }).toBody(),
  }
}
