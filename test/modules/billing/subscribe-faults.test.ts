import { describe, expect, test } from 'bun:test'
import { eq } from 'drizzle-orm'
import { billingCustomers, checkoutSessions, stripeAttempts, users } from '#drizzle/schema.ts'
import { HOUR } from '#src/lib/time.ts'
import type { CheckoutPage } from '#src/modules/billing/model.ts'
import { json, type ProblemJson, type TestUser } from '#test/support/test-app.ts'
import { createTestBilling, type TestBilling } from '#test/support/test-billing.ts'

const subscribe = (billing: TestBilling, user: TestUser) =>
  billing.send('POST', '/v1/subscribe/pro', user)
const page = (billing: TestBilling, user: TestUser) => json<CheckoutPage>(subscribe(billing, user))
describe('When Stripe fails in a subscribe', () => {
  const unavailable = async (answer: Response) => {
    expect(answer.status).toBe(503)
    expect((await json<ProblemJson>(answer)).type).toBe('/problems/billing-unavailable')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  }

  test('the lost answer of customer creation makes no second customer', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    billing.stripe.behave(({ path }) => ({ kind: path === '/v1/customers' ? 'lose' : 'answer' }))
    await unavailable(await subscribe(billing, user))
    expect(billing.state.customers.size).toBe(1)
    billing.stripe.behave(() => ({ kind: 'answer' }))
    expect((await subscribe(billing, user)).status).toBe(200)
    expect(billing.state.customers.size).toBe(1)
    expect(billing.customerOf(user.userId)).toBe([...billing.state.customers.keys()][0])
  })

  test('the lost answer of session creation makes no second session', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    billing.stripe.behave(({ method, path }) => ({
      kind: method === 'POST' && path === '/v1/checkout/sessions' ? 'lose' : 'answer',
    }))
    await unavailable(await subscribe(billing, user))
    billing.stripe.behave(() => ({ kind: 'answer' }))
    const { url } = await page(billing, user)
    expect([...billing.state.sessions.values()].map((session) => session.url)).toEqual([url])
  })

  test('after a 500, which Stripe keeps under its key, the next try uses another key', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    billing.stripe.behave(() => ({ kind: 'status', status: 500 }))
    await unavailable(await subscribe(billing, user))
    billing.stripe.behave(() => ({ kind: 'answer' }))
    expect((await subscribe(billing, user)).status).toBe(200)
    const keys = billing.calls('POST', /^\/v1\/customers$/).map((call) => call.idempotencyKey)
    expect(new Set(keys).size).toBe(2)
  })

  test('429, 409, 401, 403 and a time-out are 503, and the next try uses the same key', async () => {
    await using billing = await createTestBilling({ settings: { stripeTimeoutMs: 60 } })
    const user = await billing.signIn()
    const failures = [
      { kind: 'status', status: 429, retryAfter: 3 },
      { kind: 'error', status: 409, code: 'idempotency_key_in_use', message: 'It still runs.' },
      { kind: 'status', status: 401 },
      { kind: 'status', status: 403 },
      { kind: 'hang' },
    ] as const
    for (const failure of failures) {
      billing.stripe.behave(() => failure)
      await unavailable(await subscribe(billing, user))
      // Past the pause that the 429 asked for.
      billing.clock.set(billing.clock.now() + 3_000)
    }
    const keys = billing.calls('POST', /^\/v1\/customers$/).map((call) => call.idempotencyKey)
    expect(keys).toHaveLength(failures.length)
    expect(new Set(keys).size).toBe(1)
  })

  test('a key older than Stripe remembers is replaced', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    billing.stripe.behave(() => ({ kind: 'status', status: 429 }))
    await subscribe(billing, user)
    billing.clock.set(billing.clock.now() + 24 * HOUR)
    await subscribe(billing, await billing.fresh(user))
    const keys = billing.calls('POST', /^\/v1\/customers$/).map((call) => call.idempotencyKey)
    expect(new Set(keys).size).toBe(2)
  })

  test('a subscriber’s tier stays, and no attempt is left behind once all is well', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.stripe.behave(() => ({ kind: 'status', status: 500 }))
    await unavailable(await subscribe(billing, user))
    expect(await billing.tier(user)).toBe('pro')
    expect(billing.database.orm.select().from(stripeAttempts).all()).toEqual([])
  })
})

describe('When the account is deleted', () => {
  const remove = (billing: TestBilling, userId: string) => {
    billing.database.orm.delete(users).where(eq(users.id, userId)).run()
  }

  test('during the subscribe: 401, and the session is expired', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    billing.stripe.behave(({ method, path }) => {
      if (method === 'POST' && path === '/v1/checkout/sessions') remove(billing, user.userId)
      return { kind: 'answer' }
    })
    expect((await subscribe(billing, user)).status).toBe(401)
    await billing.idle()
    expect([...billing.state.sessions.values()].map(({ status }) => status)).toEqual(['expired'])
  })

  test('before its customer is stored: 401, and no session is made', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    billing.stripe.behave(({ path }) => {
      if (path === '/v1/customers') remove(billing, user.userId)
      return { kind: 'answer' }
    })
    expect((await subscribe(billing, user)).status).toBe(401)
    expect(billing.state.sessions.size).toBe(0)
    expect(billing.database.orm.select().from(billingCustomers).all()).toEqual([])
    expect(billing.database.orm.select().from(checkoutSessions).all()).toEqual([])
  })
})
