import { describe, expect, test } from 'bun:test'
import { billingCustomers } from '#drizzle/schema.ts'
import { newItem } from '#standins/stripe/subscription.ts'
import { json, type ProblemJson } from '#test/support/test-app.ts'
import { createTestBilling, type TestBilling } from '#test/support/test-billing.ts'

const ACTIONS = ['portal', 'cancel', 'resume'] as const

describe('A customer that was deleted at Stripe, without a webhook', () => {
  test.each(ACTIONS)(
    'POST /v1/subscription/%s is 409 not-subscribed, and the user is Basic',
    async (action) => {
      for (const livemode of [false, true]) {
        await using billing = await createTestBilling({ livemode })
        const user = await billing.subscriber()
        billing.deliverNowhere()
        billing.state.deleteCustomer(user.customerId)
        const answer = await billing.send('POST', `/v1/subscription/${action}`, user)
        expect(answer.status).toBe(409)
        expect((await json<ProblemJson>(answer)).type).toBe('/problems/not-subscribed')
        expect(await billing.tier(user)).toBe('basic')
        // The database knows it from now on, so Stripe is not asked again.
        const calls = billing.stripe.calls.length
        expect((await billing.send('POST', `/v1/subscription/${action}`, user)).status).toBe(409)
        expect(billing.stripe.calls).toHaveLength(calls)
      }
    },
  )

  test('POST /v1/subscription/sync is 200 and the user is Basic', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.deliverNowhere()
    billing.state.deleteCustomer(user.customerId)
    const answer = await billing.send('POST', '/v1/subscription/sync', user)
    expect(await answer.json()).toMatchObject({ tier: 'basic', status: 'none' })
  })

  test('POST /v1/subscribe/pro makes one new customer', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.deliverNowhere()
    billing.state.deleteCustomer(user.customerId)
    expect((await billing.send('POST', '/v1/subscribe/pro', user)).status).toBe(200)
    const rows = billing.database.orm.select().from(billingCustomers).all()
    expect(rows.map(({ id, goneAt }) => [id === user.customerId, goneAt !== null])).toEqual([
      [true, true],
      [false, false],
    ])
    expect((await billing.send('POST', '/v1/subscription/portal', user)).status).toBe(200)
  })

  test('while its checkout is made: a new customer and one page', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    for (const session of billing.state.sessions.values()) session.status = 'expired'
    let isDeleted = false
    billing.stripe.behave(({ method, path }) => {
      if (!isDeleted && method === 'POST' && path === '/v1/checkout/sessions') {
        isDeleted = true
        billing.state.deleteCustomer(user.customerId)
      }
      return { kind: 'answer' }
    })
    expect((await billing.send('POST', '/v1/subscribe/pro', user)).status).toBe(200)
    expect(billing.state.sessions.size).toBe(2)
  })
})

test('In live mode a customer that Stripe does not know is 503 and changes nothing', async () => {
  await using billing = await createTestBilling({ livemode: true })
  const user = await billing.subscriber()
  billing.state.customers.delete(user.customerId)
  for (const action of [...ACTIONS, 'sync']) {
    const answer = await billing.send('POST', `/v1/subscription/${action}`, user)
    expect([action, answer.status]).toEqual([action, 503])
  }
  expect((await billing.send('POST', '/v1/subscribe/pro', user)).status).toBe(503)
  expect(await billing.tier(user)).toBe('pro')
})

describe('A subscription that ends while it is changed', () => {
  const endAt = (billing: TestBilling, method: string, id: string) => {
    billing.stripe.behave((call) => {
      if (call.method === method && call.path === `/v1/subscriptions/${id}`) {
        if (billing.state.subscription(id).ended_at === null)
          billing.state.setStatus(id, 'canceled')
      }
      return { kind: 'answer' }
    })
  }

  test.each(['GET', 'POST'])('is 409 not-subscribed (%s)', async (method) => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    endAt(billing, method, user.subscriptionId)
    const answer = await billing.send('POST', '/v1/subscription/cancel', user)
    expect(answer.status).toBe(409)
    expect((await json<ProblemJson>(answer)).type).toBe('/problems/not-subscribed')
    expect(await billing.tier(user)).toBe('basic')
  })
})

test('The price that makes Pro is found behind the first page of a subscription’s items', async () => {
  await using billing = await createTestBilling()
  const user = await billing.shopper()
  const other = billing.state.price('price_other')
  const one = billing.state.subscribe(user.customerId, 'price_other')
  const { data } = one.items
  for (let at = data.length; at < 230; at++) data.push(newItem(one.id, other, billing.state.now()))
  data.push(newItem(one.id, billing.state.price('price_standin_pro'), billing.state.now()))
  expect((await billing.send('POST', '/v1/subscription/sync', user)).status).toBe(200)
  await billing.idle()
  expect(await billing.tier(user)).toBe('pro')
  expect(billing.calls('GET', /^\/v1\/subscription_items$/).length).toBeGreaterThanOrEqual(3)
  expect((await billing.send('POST', '/v1/subscribe/pro', user)).status).toBe(409)
})

test('The status is that of the latest subscription where all are over, and of a live one where there is any', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  billing.state.setStatus(user.subscriptionId, 'incomplete_expired')
  billing.clock.set(billing.clock.now() + 1_000)
  const { id } = billing.state.subscribe(user.customerId, 'price_standin_pro', 'unpaid')
  billing.clock.set(billing.clock.now() + 1_000)
  const last = billing.state.subscribe(user.customerId, 'price_standin_pro', 'canceled')
  await billing.idle()
  expect((await billing.status(user)).status).toBe('unpaid')
  billing.state.setStatus(id, 'incomplete_expired')
  await billing.idle()
  expect((await billing.status(user)).status).toBe('canceled')
  billing.state.setStatus(last.id, 'active')
  await billing.idle()
  expect(await billing.status(user)).toMatchObject({ status: 'active', tier: 'pro' })
})
