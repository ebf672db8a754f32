import { describe, expect, test } from 'bun:test'
import { idempotencyKeys, stripeAttempts } from '#drizzle/schema.ts'
import { SECOND } from '#src/lib/time.ts'
import { createAccountApp } from '#test/support/test-accounts.ts'
import { json, type ProblemJson, type TestUser } from '#test/support/test-app.ts'
import { createTestBilling, type TestBilling } from '#test/support/test-billing.ts'

const ROUTES = [
  '/v1/subscribe/pro',
  '/v1/subscription/portal',
  '/v1/subscription/cancel',
  '/v1/subscription/resume',
  '/v1/subscription/sync',
] as const

/** One user may have 64 requests at once; more are refused before any route sees them. */
const AT_ONCE = 50

/** Sends `count` requests, each with an Idempotency-Key of its own. */
async function flood(billing: TestBilling, user: TestUser, path: string, count: number) {
  const answers: Response[] = []
  while (answers.length < count) {
    const wave = Array.from({ length: AT_ONCE }, (_, at) =>
      billing.send('POST', path, {
        ...user,
        headers: { 'idempotency-key': `${path}-${answers.length + at}` },
      }),
    )
    answers.push(...(await Promise.all(wave)))
  }
  return answers
}

const keys = (billing: TestBilling) =>
  billing.database.orm.select().from(idempotencyKeys).all().length

describe('One user who calls Stripe without end', () => {
  test.each(ROUTES)(
    'POST %s: 300 in waves of 50 are a few calls of Stripe, a few rows, and 429',
    async (path) => {
      await using billing = await createTestBilling()
      const user = await billing.subscriber()
      const calls = billing.stripe.calls.length
      const answers = await flood(billing, user, path, 300)
      const refused = answers.filter(({ status }) => status === 429)
      expect(refused.length).toBeGreaterThanOrEqual(270)
      expect(new Set(answers.map(({ status }) => status)).has(500)).toBe(false)
      // 30 are let in; how many of them share a run depends on when they arrive.
      expect(billing.stripe.calls.length - calls).toBeLessThanOrEqual(60)
      expect(keys(billing)).toBeLessThanOrEqual(30)
      expect(billing.database.orm.select().from(stripeAttempts).all()).toEqual([])
      for (const answer of refused) {
        expect(answer.headers.get('ratelimit-policy')).toBe('"billing";q=30;w=60')
        expect(answer.headers.get('ratelimit')).toMatch(/^"billing";r=0;t=\d+$/)
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      }
      expect((await json<ProblemJson>(refused[0] ?? new Response())).type).toBe(
        '/problems/too-many-requests',
      )
    },
  )

  test('the routes share one limit, by the minute and by the day', async () => {
    const settings = { billingPerUserMinute: 3, billingPerUserDay: 5 }
    await using billing = await createTestBilling({ settings })
    const user = await billing.signIn()
    const ask = async (path: string) =>
      (await billing.send('POST', path, await billing.fresh(user))).status
    const minute = [
      await ask(ROUTES[4]),
      await ask(ROUTES[1]),
      await ask(ROUTES[4]),
      await ask(ROUTES[4]),
    ]
    expect(minute).toEqual([200, 409, 200, 429])
    billing.clock.set(billing.clock.now() + 60 * SECOND)
    const day = [await ask(ROUTES[4]), await ask(ROUTES[4]), await ask(ROUTES[4])]
    expect(day).toEqual([200, 200, 429])
    const answer = await billing.send('POST', ROUTES[4], await billing.fresh(user))
    expect(answer.headers.get('ratelimit-policy')).toBe('"billing-day";q=5;w=86400')
    const other = await billing.signIn()
    expect((await billing.send('POST', ROUTES[4], other)).status).toBe(200)
  })

  test('a replay under the same Idempotency-Key is answered when the limit is used up', async () => {
    await using billing = await createTestBilling({ settings: { billingPerUserMinute: 1 } })
    const user = await billing.signIn()
    const ask = (key: string) =>
      billing.send('POST', '/v1/subscribe/pro', { ...user, headers: { 'idempotency-key': key } })
    expect((await ask('one')).status).toBe(200)
    expect((await ask('two')).status).toBe(429)
    const replay = await ask('one')
    expect(replay.status).toBe(200)
    expect(replay.headers.get('idempotent-replayed')).toBe('true')
  })

  test('the counters are two rows, which outlive the account', async () => {
    const app = createAccountApp({
      stripeSecretKey: 'sk_test_1',
      stripeWebhookSecrets: ['whsec_1'],
      stripeProPrices: ['price_1'],
      billingPerUserDay: 2,
    })
    const counters = () =>
      app.database.sqlite.query("SELECT * FROM rate_limits WHERE key GLOB 'billing*'").all()
    const sync = async (token: string) =>
      (await app.send('POST', '/v1/subscription/sync', { token })).status
    const { token, user } = await app.logIn()
    expect([await sync(token), await sync(token), await sync(token)]).toEqual([200, 200, 429])
    expect(counters()).toHaveLength(2)
    expect(JSON.stringify(counters())).not.toContain(user.id)
    await app.services.users.erase(user.id)
    app.clock.set(app.clock.now() + 60 * SECOND)
    expect(await sync((await app.logIn()).token)).toBe(429)
    expect(counters()).toHaveLength(2)
  })

  test('a user without a customer causes no call of Stripe at all', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    for (const path of ROUTES.slice(1)) await billing.send('POST', path, user)
    expect(billing.stripe.calls).toEqual([])
  })
})

describe('Two processes on one database', () => {
  test.each(ROUTES)(
    'POST %s: while one runs for a user, another process answers 409',
    async (path) => {
      await using billing = await createTestBilling()
      const user = await billing.subscriber()
      const asked = Promise.withResolvers<void>()
      const go = Promise.withResolvers<void>()
      billing.stripe.behave(() => {
        asked.resolve()
        return { kind: 'late', until: go.promise }
      })
      const first = billing.send('POST', path, user)
      await asked.promise
      const second = billing.secondProcess()
      const busy = await second('/v1/subscription/sync', user)
      expect(busy.status).toBe(409)
      expect(busy.headers.get('retry-after')).toBe('1')
      expect((await json<ProblemJson>(busy)).type).toBe('/problems/billing-busy')
      // Another user is not held up.
      expect((await second('/v1/subscription/sync', await billing.signIn())).status).toBe(200)
      go.resolve()
      await first
      expect((await second('/v1/subscription/sync', user)).status).toBe(200)
    },
  )

  test('a process that died holds its user up for a minute at most', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.database.orm
      .insert(stripeAttempts)
      .values({
        scope: `flight:${user.userId}`,
        key: 'of the dead',
        createdAt: billing.clock.now(),
      })
      .run()
    const ask = async () =>
      (await billing.send('POST', '/v1/subscription/sync', await billing.fresh(user))).status
    billing.clock.set(billing.clock.now() + 60 * SECOND - 1)
    expect(await ask()).toBe(409)
    billing.clock.set(billing.clock.now() + 1)
    expect(await ask()).toBe(200)
    expect(billing.database.orm.select().from(stripeAttempts).all()).toEqual([])
  })

  test('a claim dated by a clock that has since been set back holds up nobody', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.database.orm
      .insert(stripeAttempts)
      .values({ scope: `flight:${user.userId}`, key: 'late', createdAt: billing.clock.now() + 1 })
      .run()
    expect((await billing.send('POST', '/v1/subscription/sync', user)).status).toBe(200)
  })
})

describe('Different actions of one user', () => {
  test('run one after the other, each once, however many are asked for', async () => {
    // No deliveries: the worker would read the customer at the same time.
    await using billing = await createTestBilling({ deliver: false })
    const user = await billing.subscriber()
    let running = 0
    let most = 0
    billing.stripe.behave(async () => {
      running++
      most = Math.max(most, running)
      await Bun.sleep(1)
      running--
      return { kind: 'answer' }
    })
    const answers = await Promise.all(
      [...ROUTES, ...ROUTES, ...ROUTES].map((path) => billing.send('POST', path, user)),
    )
    expect(most).toBe(1)
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    expect(billing.calls('POST', /billing_portal/)).toHaveLength(1)
  })
})

describe('What anyone may ask for without end costs Stripe nothing', () => {
  test('GET /v1/subscription/status and GET /v1/plans: 50 requests at once, one call', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const calls = billing.stripe.calls.length
    await Promise.all(
      Array.from({ length: AT_ONCE / 2 }, () => [
        billing.send('GET', '/v1/subscription/status', user),
        billing.send('GET', '/v1/plans', user),
      ]).flat(),
    )
    expect(billing.stripe.calls.length - calls).toBe(1)
  })

  test('GET /v1/plans during an outage: one call in 30 seconds, whether a price is known or not', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    billing.stripe.behave(() => ({ kind: 'status', status: 500 }))
    const ask = async () =>
      (await billing.send('GET', '/v1/plans', await billing.fresh(user))).status
    expect([await ask(), await ask(), await ask()]).toEqual([503, 503, 503])
    expect(billing.calls('GET', /prices/)).toHaveLength(1)
    billing.clock.set(billing.clock.now() + 30 * SECOND)
    billing.stripe.behave(() => ({ kind: 'answer' }))
    expect(await ask()).toBe(200)
    billing.stripe.behave(() => ({ kind: 'status', status: 500 }))
    billing.clock.set(billing.clock.now() + 3_600 * SECOND)
    expect([await ask(), await ask()]).toEqual([200, 200])
    expect(billing.calls('GET', /prices/)).toHaveLength(3)
  })
})
