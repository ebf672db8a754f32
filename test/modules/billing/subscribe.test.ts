import { describe, expect, test } from 'bun:test'
import { DAY, HOUR } from '#src/lib/time.ts'
import type { CheckoutPage } from '#src/modules/billing/model.ts'
import { json, type ProblemJson, type TestUser } from '#test/support/test-app.ts'
import { createTestBilling, type TestBilling } from '#test/support/test-billing.ts'

const subscribe = (billing: TestBilling, user: TestUser) =>
  billing.send('POST', '/v1/subscribe/pro', user)
const page = (billing: TestBilling, user: TestUser) => json<CheckoutPage>(subscribe(billing, user))
const made = (billing: TestBilling) => ({
  customers: billing.calls('POST', /^\/v1\/customers$/).length,
  sessions: billing.calls('POST', /^\/v1\/checkout\/sessions$/).length,
})

describe('POST /v1/subscribe/pro', () => {
  test('gives a page to pay on, made from the settings and from nothing in the request', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    const answer = await billing.send('POST', '/v1/subscribe/pro', {
      ...user,
      headers: { origin: 'https://evil.example', host: 'evil.example' },
    })
    expect(answer.status).toBe(200)
    const { url, expiresAt } = await json<CheckoutPage>(answer)
    expect(url).toStartWith(`${billing.stripe.url}/pay/cs_test_`)
    expect(expiresAt).toBe(new Date(billing.clock.now() + DAY).toISOString())
    const [call] = billing.calls('POST', /^\/v1\/checkout\/sessions$/)
    expect(call?.params).toEqual({
      mode: 'subscription',
      customer: billing.customerOf(user.userId) ?? '',
      client_reference_id: user.userId,
      line_items: { '0': { price: 'price_standin_pro', quantity: '1' } },
      success_url: 'http://localhost:3000/v1/subscription/return?outcome=paid',
      cancel_url: 'http://localhost:3000/v1/subscription/return?outcome=cancelled',
      allow_promotion_codes: 'false',
      automatic_tax: { enabled: 'false' },
      metadata: { user_id: user.userId },
      subscription_data: { metadata: { user_id: user.userId } },
    })
    expect(call?.idempotencyKey).toBeString()
    expect(call?.apiVersion).toBe('2026-10-28.endive')
  })

  test('20 at once: one customer, one session, one page', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    const answers = await Promise.all(Array.from({ length: 20 }, () => page(billing, user)))
    expect(new Set(answers.map(({ url }) => url)).size).toBe(1)
    expect(made(billing)).toEqual({ customers: 1, sessions: 1 })
    expect(billing.state.customers.size).toBe(1)
  })

  test('again later: the same page while it is open, another after it expired', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    const first = await page(billing, user)
    billing.clock.set(billing.clock.now() + 23 * HOUR)
    expect(await page(billing, await billing.fresh(user))).toEqual(first)
    billing.clock.set(billing.clock.now() + HOUR)
    const second = await page(billing, await billing.fresh(user))
    expect(second.url).not.toBe(first.url)
    expect(made(billing)).toEqual({ customers: 1, sessions: 2 })
  })

  test('another page when the first was expired at Stripe, without a webhook', async () => {
    await using billing = await createTestBilling({ deliver: false })
    const user = await billing.signIn()
    const first = await page(billing, user)
    billing.state.expire(first.url.split('/').at(-1) ?? '')
    expect((await page(billing, user)).url).not.toBe(first.url)
  })

  test('while subscribed: 409 that names the portal, and nothing is made', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const before = made(billing)
    const answer = await subscribe(billing, user)
    expect(answer.status).toBe(409)
    const problem = await json<ProblemJson>(answer)
    expect(problem.type).toBe('/problems/already-subscribed')
    expect(problem.detail).toContain('/v1/subscription/portal')
    expect(made(billing)).toEqual(before)
  })

  test.each(['past_due', 'unpaid', 'paused', 'trialing'])(
    'while %s: 409, as nobody pays twice',
    async (status) => {
      await using billing = await createTestBilling()
      const user = await billing.subscriber()
      billing.state.setStatus(user.subscriptionId, status)
      expect((await subscribe(billing, user)).status).toBe(409)
    },
  )

  test('paid a moment ago and no webhook yet: 409, because Stripe is asked first', async () => {
    await using billing = await createTestBilling({ deliver: false })
    const user = await billing.signIn()
    const { url } = await page(billing, user)
    billing.state.pay(url.split('/').at(-1) ?? '')
    expect(await billing.tier(user)).toBe('basic')
    expect((await subscribe(billing, user)).status).toBe(409)
    expect(await billing.tier(user)).toBe('pro')
  })

  test('paid during the read: 409, because the sessions are read before the subscriptions', async () => {
    await using billing = await createTestBilling({ deliver: false })
    const user = await billing.signIn()
    const { url } = await page(billing, user)
    const paid = Promise.withResolvers<void>()
    billing.stripe.behave(({ method, path }) => {
      if (method !== 'GET' || !/sessions\/cs_/.test(path)) return { kind: 'answer' }
      const made = () => {
        billing.state.pay(url.split('/').at(-1) ?? '')
        paid.resolve()
      }
      return { kind: 'late', until: paid.promise, made }
    })
    expect((await subscribe(billing, user)).status).toBe(409)
    expect(made(billing).sessions).toBe(1)
  })

  test('after a cancelled subscription: a new page for the same customer', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.state.setStatus(user.subscriptionId, 'canceled')
    await billing.idle()
    expect((await subscribe(billing, user)).status).toBe(200)
    expect(made(billing)).toEqual({ customers: 1, sessions: 2 })
  })

  test('refuses any field, such as a return address', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    for (const body of [{ successUrl: 'https://evil.example' }, { sessionId: 'cs_1' }]) {
      const answer = await billing.send('POST', '/v1/subscribe/pro', { ...user, body })
      expect(answer.status).toBe(422)
    }
    expect(billing.stripe.calls).toEqual([])
  })

  test('asks for tax and promotion codes when the operator says so', async () => {
    const settings = {
      stripeAutomaticTax: true,
      stripePromotionCodes: true,
      stripeSuccessUrl: 'https://shop.example/ok',
    }
    await using billing = await createTestBilling({ settings })
    await page(billing, await billing.signIn())
    expect(billing.calls('POST', /sessions$/)[0]?.params).toMatchObject({
      automatic_tax: { enabled: 'true' },
      customer_update: { address: 'auto' },
      allow_promotion_codes: 'true',
      success_url: 'https://shop.example/ok',
    })
  })
})
