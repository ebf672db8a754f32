import { describe, expect, test } from 'bun:test'
import { MINUTE } from '#src/lib/time.ts'
import type { CheckoutPage } from '#src/modules/billing/model.ts'
import { STAND_IN_PRICE } from '#standins/stripe/server.ts'
import { json } from '#test/support/test-app.ts'
import { createTestBilling, eventOf } from '#test/support/test-billing.ts'

describe('The order of events does not matter', () => {
  test('updated comes before created', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    billing.stripe.deliveries.hold()
    const { id } = billing.state.subscribe(user.customerId, STAND_IN_PRICE.id, 'incomplete')
    billing.state.setStatus(id, 'active')
    billing.stripe.deliveries.release('reversed')
    await billing.idle()
    expect(await billing.tier(user)).toBe('pro')
  })

  test('a stale active after deleted changes nothing', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const active = billing.state.events.find(({ type }) => type === 'customer.subscription.created')
    billing.state.setStatus(user.subscriptionId, 'canceled')
    await billing.idle()
    expect(await billing.tier(user)).toBe('basic')
    await billing.deliver(JSON.stringify({ ...active, id: 'evt_stale_copy' }))
    await billing.idle()
    expect(await billing.tier(user)).toBe('basic')
    expect((await billing.status(user)).status).toBe('canceled')
  })

  test('an older read that is applied after a newer one is refused', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const late = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    billing.stripe.deliveries.hold()
    billing.stripe.behave(({ path }) => {
      if (path !== '/v1/subscriptions') return { kind: 'answer' }
      return { kind: 'late', until: late.promise, made: asked.resolve }
    })
    const older = billing.send('POST', '/v1/subscription/sync', user)
    await asked.promise
    billing.stripe.behave(() => ({ kind: 'answer' }))
    billing.clock.set(billing.clock.now() + 1)
    billing.state.setStatus(user.subscriptionId, 'canceled')
    await billing.deliver(eventOf({}, { object: 'subscription', customer: user.customerId }))
    await billing.idle()
    expect(await billing.tier(user)).toBe('basic')
    late.resolve()
    expect((await older).status).toBe(200)
    expect(await billing.tier(user)).toBe('basic')
  })

  test('a read that a wrong clock dated into the future does not block later reads', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    // Opens a page, for which the customer is read; then the clock is set right.
    const { url } = await json<CheckoutPage>(billing.send('POST', '/v1/subscribe/pro', user))
    billing.clock.set(billing.clock.now() - 50 * MINUTE)
    billing.state.pay(url.split('/').at(-1) ?? '')
    await billing.idle()
    expect(await billing.tier(user)).toBe('pro')
  })

  test('an event that arrives in the middle of a sync is followed by another sync', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    const late = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    billing.stripe.behave(({ path }) => {
      if (path !== '/v1/subscriptions') return { kind: 'answer' }
      return { kind: 'late', until: late.promise, made: asked.resolve }
    })
    await billing.deliver(eventOf({}, { object: 'subscription', customer: user.customerId }))
    await asked.promise
    // Stripe's answer was made before this happened, and arrives after it.
    billing.state.subscribe(user.customerId, STAND_IN_PRICE.id)
    await billing.stripe.deliveries.settled()
    expect(await billing.tier(user)).toBe('basic')
    late.resolve()
    await billing.idle()
    expect(await billing.tier(user)).toBe('pro')
  })
})

test('A sync that was cut off by a kill is done by the next process', async () => {
  await using billing = await createTestBilling({ work: false })
  const user = await billing.signIn()
  await billing.send('POST', '/v1/subscribe/pro', user)
  billing.state.subscribe(billing.customerOf(user.userId) ?? '', STAND_IN_PRICE.id)
  await billing.stripe.deliveries.settled()
  expect(billing.stripe.deliveries.log.map(({ status }) => status)).toContain(200)
  // No worker ran since the 200: only what is durable is left.
  expect(await billing.tier(user)).toBe('basic')
  await billing.worker.start({ alone: true })
  await billing.idle()
  expect(await billing.tier(user)).toBe('pro')
})
