import { eq } from 'drizzle-orm'
import { auditLog, billingCustomers, jobs, sessions, stripeEvents } from '#drizzle/schema.ts'
import { createApp } from '#src/app.ts'
import type { Config } from '#src/config/config.ts'
import type { Log } from '#src/lib/log.ts'
import type { CheckoutPage, SubscriptionStatus } from '#src/modules/billing/model.ts'
import type { Metrics } from '#src/plugins/metrics.ts'
import { createWorker } from '#src/queue/worker.ts'
import { createServices } from '#src/services.ts'
import type { StripeCall } from '#standins/stripe/behaviour.ts'
import { sign } from '#standins/stripe/deliveries.ts'
import { createStripeStandIn, STAND_IN_PRICE } from '#standins/stripe/server.ts'
import { createFakeClock } from './fake-clock.ts'
import { createTestApp, json, type TestUser } from './test-app.ts'

export const WEBHOOK_SECRET = 'whsec_test_secret_of_the_endpoint'
/** Long, so that no test fails on a busy machine. */
const DEADLINE_MS = 20_000

export type TestBilling = Awaited<ReturnType<typeof createTestBilling>>

/**
 * The application with a running worker, the Stripe stand-in behind the real SDK, and a port for its signed
 * deliveries.
 */
export async function createTestBilling(
  options: {
    settings?: Partial<Config>
    livemode?: boolean
    deliver?: boolean
    work?: boolean
    log?: Log
    metrics?: Metrics
  } = {},
) {
  const livemode = options.livemode ?? false
  const secretKey = livemode ? 'sk_live_1' : 'sk_test_1'
  const clock = createFakeClock()
  const stripe = createStripeStandIn({
    webhookSecret: WEBHOOK_SECRET,
    secretKey,
    livemode,
    clock,
    prices: [
      STAND_IN_PRICE,
      { ...STAND_IN_PRICE, id: 'price_old' },
      { ...STAND_IN_PRICE, id: 'price_other' },
    ],
  })
  const test = createTestApp(
    {
      stripeSecretKey: secretKey,
      stripeWebhookSecrets: [WEBHOOK_SECRET],
      stripeProPrices: [STAND_IN_PRICE.id, 'price_old'],
      stripeApiBase: stripe.url,
      ...options.settings,
    },
    {
      clock,
      ...(options.log && { log: options.log }),
      ...(options.metrics && { metrics: options.metrics }),
    },
  )
  const { services, database, random, send } = test
  const { orm } = database
  const door = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => test.app.handle(request),
  })
  const webhookUrl = `http://127.0.0.1:${door.port}/v1/webhook/stripe`
  if (options.deliver !== false) stripe.deliverTo(webhookUrl)
  const worker = createWorker({ database, queue: services.queue, clock, random, log: test.log })
  if (options.work !== false) await worker.start({ alone: true })

  const waiting = () =>
    orm
      .select()
      .from(jobs)
      .all()
      .filter(
        ({ state, dueAt }) => state === 'running' || (state === 'ready' && dueAt <= clock.now()),
      )

  /** Waits until every delivery was answered and every job that is due has ended. */
  async function idle(): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    for (let calm = 0; calm < 3; ) {
      await stripe.deliveries.settled()
      await new Promise<void>((resolve) => setImmediate(resolve))
      calm = worker.running === 0 && waiting().length === 0 ? calm + 1 : 0
      if (performance.now() > deadline) throw new Error(`Not idle: ${JSON.stringify(waiting())}`)
    }
  }

  /** Moves the clock on and runs the jobs that are then due, without the thousands of polls in between. */
  async function later(ms: number): Promise<void> {
    await worker.stop(0)
    clock.set(clock.now() + ms)
    await worker.start({ alone: true })
    await idle()
  }

  /** Delivers any text as an event; it is signed unless `headers` replace the signature. */
  function deliver(payload: string, headers: Record<string, string> = {}): Promise<Response> {
    return send('POST', '/v1/webhook/stripe', {
      body: payload,
      headers: { 'stripe-signature': sign(payload, WEBHOOK_SECRET, clock.now()), ...headers },
    })
  }

  /** A user whose session outlives the months a test lets pass. */
  async function signIn(): Promise<TestUser> {
    const user = await test.signIn()
    orm.update(sessions).set({ expiresAt: Number.MAX_SAFE_INTEGER }).run()
    return user
  }

  /** The same user with a token that is valid now. */
  async function fresh<U extends TestUser>(user: U): Promise<U> {
    return { ...user, token: await services.tokens.sign(user) }
  }

  /** A user with a customer and no subscription yet. */
  async function shopper(): Promise<TestUser & { customerId: string }> {
    const user = await signIn()
    await send('POST', '/v1/subscribe/pro', user)
    await idle()
    return { ...user, customerId: customerOf(user.userId) ?? '' }
  }

  /** A subscriber who came all the way through checkout, and whose tier has settled. */
  async function subscriber(): Promise<TestUser & { customerId: string; subscriptionId: string }> {
    const user = await signIn()
    const { url } = await json<CheckoutPage>(send('POST', '/v1/subscribe/pro', user))
    const { id: subscriptionId } = stripe.state.pay(url.split('/').at(-1) ?? '')
    await idle()
    return { ...user, subscriptionId, customerId: customerOf(user.userId) ?? '' }
  }

  function customerOf(userId: string): string | undefined {
    return orm.select().from(billingCustomers).where(eq(billingCustomers.userId, userId)).get()?.id
  }

  /** POSTs to another process on the same database: it has its own services and shares no memory. */
  function secondProcess() {
    const { config, log } = test
    const deps = { config, database, clock, random, log }
    const app = createApp(deps, createServices(deps))
    return (path: string, { token }: TestUser) =>
      app.handle(
        new Request(`http://localhost${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
        }),
      )
  }

  return {
    ...test,
    secondProcess,
    stripe,
    state: stripe.state,
    worker,
    webhookUrl,
    idle,
    later,
    deliver,
    shopper,
    subscriber,
    customerOf,
    /** From now on no webhook arrives. */
    deliverNowhere: () => stripe.deliveries.hold(),
    signIn,
    fresh,
    status: async (user: TestUser) =>
      json<SubscriptionStatus>(send('GET', '/v1/subscription/status', await fresh(user))),
    tier: ({ userId }: TestUser) =>
      database.read(services.billing.tier.query, { userId, now: clock.now() }),
    events: () => orm.select().from(stripeEvents).all(),
    audits: (event: string) => orm.select().from(auditLog).where(eq(auditLog.event, event)).all(),
    syncs: () => orm.select().from(jobs).where(eq(jobs.kind, 'billing.sync')).all(),
    /** Calls of the API to one path. */
    calls: (method: string, path: RegExp): StripeCall[] =>
      stripe.calls.filter((call) => call.method === method && path.test(call.path)),
    async [Symbol.asyncDispose]() {
      await worker.stop(0)
      await stripe.stop()
      await door.stop(true)
      database.close()
    },
  }
}

/** An event as Stripe would send it. */
export function eventOf(values: Record<string, unknown> = {}, object: object = {}): string {
  return JSON.stringify({
    id: `evt_${crypto.randomUUID()}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    type: 'customer.subscription.updated',
    created: Math.floor(Date.UTC(2026, 10, 22, 12) / 1_000),
    livemode: false,
    pending_webhooks: 1,
    request: null,
    ...values,
    data: { object },
  })
}
