import { describe, expect, test } from 'bun:test'
import { MINUTE } from '#src/lib/time.ts'
import type { PlanList, PortalPage } from '#src/modules/billing/model.ts'
import { createTestApp, json, type ProblemJson } from '#test/support/test-app.ts'
import { createTestBilling } from '#test/support/test-billing.ts'

describe('GET /v1/subscription/status', () => {
  test('shows a Basic user the tier and the quota', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    expect(await billing.status(user)).toEqual({
      phone: '+12025550000',
      tier: 'basic',
      status: 'none',
      currentPeriodEnd: null,
      cancelAtPeriodEnd: false,
      graceUntil: null,
      quota: { limit: 5, used: 0, remaining: 5, resetsAt: '2026-11-23T00:00:00.000Z' },
    })
  })

  test('shows a Pro user the subscription', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    expect(await billing.status(user)).toMatchObject({
      tier: 'pro',
      status: 'active',
      currentPeriodEnd: '2026-12-22T12:00:00.000Z',
      quota: { limit: null },
    })
  })

  test('does not call Stripe', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const calls = billing.stripe.calls.length
    await billing.status(user)
    expect(billing.stripe.calls).toHaveLength(calls)
  })
})

test('POST /v1/subscription/portal gives the customer’s page, which leads back to the address that is configured', async () => {
  await using billing = await createTestBilling({
    settings: { stripePortalReturnUrl: 'https://shop.example/me' },
  })
  const user = await billing.subscriber()
  const { url } = await json<PortalPage>(billing.send('POST', '/v1/subscription/portal', user))
  expect(url).toStartWith(`${billing.stripe.url}/portal/`)
  expect([...billing.state.portals.values()]).toMatchObject([
    { customer: user.customerId, return_url: 'https://shop.example/me' },
  ])
})

test('POST /v1/subscription/portal makes one page with an Idempotency-Key, however often it is sent', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  const ask = () =>
    billing.send('POST', '/v1/subscription/portal', {
      ...user,
      headers: { 'idempotency-key': 'k' },
    })
  const first = await json<PortalPage>(ask())
  const again = await ask()
  expect(again.headers.get('idempotent-replayed')).toBe('true')
  expect(await json<PortalPage>(again)).toEqual(first)
  expect(billing.state.portals.size).toBe(1)
})

test('GET /v1/plans shows the price, asks Stripe rarely, and survives an outage', async () => {
  await using billing = await createTestBilling()
  const user = await billing.signIn()
  const plans = async () =>
    json<PlanList>(billing.send('GET', '/v1/plans', await billing.fresh(user)))
  const first = await plans()
  expect(first.items).toEqual([
    { tier: 'basic', dailyPrompts: 5, price: null },
    {
      tier: 'pro',
      dailyPrompts: null,
      price: {
        id: 'price_standin_pro',
        amount: 900,
        currency: 'eur',
        interval: 'month',
        intervalCount: 1,
      },
    },
  ])
  await plans()
  expect(billing.calls('GET', /prices/)).toHaveLength(1)
  billing.stripe.behave(() => ({ kind: 'status', status: 500 }))
  billing.clock.set(billing.clock.now() + 11 * MINUTE)
  expect(await plans()).toEqual(first)
  expect(billing.calls('GET', /prices/)).toHaveLength(2)
})

describe('Where Stripe is not configured', () => {
  const routes = [
    ['POST', '/v1/subscribe/pro'],
    ['POST', '/v1/subscription/portal'],
    ['POST', '/v1/subscription/cancel'],
    ['POST', '/v1/subscription/resume'],
    ['POST', '/v1/subscription/sync'],
    ['GET', '/v1/plans'],
    ['POST', '/v1/webhook/stripe'],
  ] as const

  test.each(routes)('%s %s is 503 billing-unavailable', async (method, path) => {
    const { send, signIn } = createTestApp()
    const answer = await send(method, path, await signIn())
    expect(answer.status).toBe(503)
    expect((await json<ProblemJson>(answer)).type).toBe('/problems/billing-unavailable')
  })

  test('GET /v1/subscription/status, which reads only the database, still answers', async () => {
    const { send, signIn } = createTestApp()
    const answer = await send('GET', '/v1/subscription/status', await signIn())
    expect(await answer.json()).toMatchObject({
      tier: 'basic',
      status: 'none',
      quota: { limit: 5 },
    })
  })
})

test.each([
  ['POST', '/v1/subscribe/pro'],
  ['GET', '/v1/subscription/status'],
  ['POST', '/v1/subscription/portal'],
  ['POST', '/v1/subscription/cancel'],
  ['POST', '/v1/subscription/resume'],
  ['POST', '/v1/subscription/sync'],
  ['GET', '/v1/plans'],
] as const)('%s %s is 401 to a stranger', async (method, path) => {
  await using billing = await createTestBilling()
  const answer = await billing.send(method, path, { ...(method === 'POST' && { body: { zz: 1 } }) })
  expect(answer.status).toBe(401)
  expect(billing.stripe.calls).toEqual([])
})

test('GET /v1/subscription/return is a page without scripts that shows nothing of its query', async () => {
  const { send } = createTestApp()
  const answer = await send('GET', '/v1/subscription/return?outcome=paid')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(await answer.text()).toContain('Thank you')
  const odd = await send('GET', '/v1/subscription/return?outcome=%3Cscript%3E')
  expect(odd.status).toBe(422)
  expect(await odd.text()).not.toContain('script')
})
