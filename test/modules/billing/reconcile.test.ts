import { describe, expect, test } from 'bun:test'
import { stripeCursors } from '#drizzle/schema.ts'
import { DAY, HOUR } from '#src/lib/time.ts'
import type { CheckoutPage } from '#src/modules/billing/model.ts'
import { json } from '#test/support/test-app.ts'
import { createTestBilling, eventOf } from '#test/support/test-billing.ts'

describe('When a webhook never arrives', () => {
  test('a person who comes back from paying is Pro after POST /v1/subscription/sync', async () => {
    await using billing = await createTestBilling({ deliver: false })
    const user = await billing.signIn()
    const { url } = await json<CheckoutPage>(billing.send('POST', '/v1/subscribe/pro', user))
    billing.state.pay(url.split('/').at(-1) ?? '')
    expect(await billing.tier(user)).toBe('basic')
    const answer = await billing.send('POST', '/v1/subscription/sync', user)
    expect(await answer.json()).toMatchObject({
      tier: 'pro',
      status: 'active',
      quota: { limit: null },
    })
  })

  test('reconcile records the events that Stripe lists, and syncs every customer that can still change', async () => {
    await using billing = await createTestBilling({ deliver: false })
    const [payer, quitter] = [await billing.shopper(), await billing.subscriber()]
    billing.state.subscribe(payer.customerId, 'price_standin_pro')
    billing.state.setStatus(quitter.subscriptionId, 'canceled')
    await billing.services.billing.reconcile()
    await billing.idle()
    expect(await billing.tier(payer)).toBe('pro')
    expect(await billing.tier(quitter)).toBe('basic')
    expect(billing.events().map(({ type }) => type)).toContain('checkout.session.completed')
  })

  test('an event that is both delivered and listed is recorded once', async () => {
    await using billing = await createTestBilling()
    await billing.subscriber()
    const heard = billing.events().length
    await billing.services.billing.reconcile()
    await billing.idle()
    expect(billing.events()).toHaveLength(heard)
  })

  test('the next reconcile begins where the last one did, with an hour of overlap', async () => {
    await using billing = await createTestBilling()
    await billing.subscriber()
    await billing.services.billing.reconcile()
    await billing.idle()
    const at = billing.clock.now()
    expect(billing.database.orm.select().from(stripeCursors).all()).toEqual([
      { livemode: false, eventsUntil: at },
    ])
    await billing.later(DAY)
    await billing.services.billing.reconcile()
    await billing.idle()
    const since = billing.calls('GET', /events/).map(({ params }) => params['created'])
    expect(since).toEqual([
      { gte: String((at - 30 * DAY - HOUR) / 1_000) },
      { gte: String((at - HOUR) / 1_000) },
    ])
  })

  test('a reconcile that an outage interrupts begins again and misses no event', async () => {
    await using billing = await createTestBilling({ deliver: false })
    const user = await billing.shopper()
    billing.state.subscribe(user.customerId, 'price_standin_pro')
    billing.stripe.behave(({ path }) =>
      path === '/v1/events' ? { kind: 'status', status: 500 } : { kind: 'answer' },
    )
    await billing.services.billing.reconcile()
    await billing.later(1)
    expect(billing.database.orm.select().from(stripeCursors).all()).toEqual([])
    billing.stripe.behave(() => ({ kind: 'answer' }))
    await billing.later(HOUR)
    expect(await billing.tier(user)).toBe('pro')
  })

  test('a reconcile that is enqueued twice runs once', async () => {
    await using billing = await createTestBilling({ work: false })
    const { reconcile } = billing.services.billing
    await Promise.all([reconcile(), reconcile()])
    await billing.worker.start({ alone: true })
    await billing.idle()
    expect(billing.calls('GET', /events/)).toHaveLength(1)
  })
})

test('Events are deleted after 30 days, not before', async () => {
  await using billing = await createTestBilling()
  await billing.deliver(eventOf({ id: 'evt_old' }))
  const prune = billing.services.billing.maintenance.find(({ name }) => name.startsWith('prune'))
  billing.clock.set(billing.clock.now() + 30 * DAY)
  await prune?.run()
  expect(billing.events()).toHaveLength(1)
  billing.clock.set(billing.clock.now() + 1)
  await prune?.run()
  expect(billing.events()).toHaveLength(0)
})

test('Paying on the page of another user makes that user Pro, and /sync takes no session id', async () => {
  await using billing = await createTestBilling()
  const [owner, other] = [await billing.signIn(), await billing.signIn()]
  const { url } = await json<CheckoutPage>(billing.send('POST', '/v1/subscribe/pro', owner))
  billing.state.pay(url.split('/').at(-1) ?? '')
  await billing.idle()
  const body = { sessionId: url.split('/').at(-1) }
  expect((await billing.send('POST', '/v1/subscription/sync', { ...other, body })).status).toBe(422)
  expect((await billing.send('POST', '/v1/subscription/sync', other)).status).toBe(200)
  expect([await billing.tier(owner), await billing.tier(other)]).toEqual(['pro', 'basic'])
})

test('20 times /sync at once reads Stripe at most twice: now, and once more for requests that came meanwhile', async () => {
  await using billing = await createTestBilling({ deliver: false })
  const user = await billing.shopper()
  const before = billing.calls('GET', /^\/v1\/subscriptions$/).length
  const counter = billing.database.sqlite.query<{ count: number }, []>(
    "SELECT count FROM rate_limits WHERE key GLOB 'billing:*'",
  )
  const counted = () => counter.get()?.count ?? 0
  const all = counted() + 20
  // Stripe answers only after every request has begun.
  billing.stripe.behave(async () => {
    while (counted() < all) await new Promise<void>((resolve) => setImmediate(resolve))
    return { kind: 'answer' }
  })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => billing.send('POST', '/v1/subscription/sync', user)),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  const reads = billing.calls('GET', /^\/v1\/subscriptions$/).length - before
  expect(reads).toBeWithin(1, 3)
})
