import { describe, expect, test } from 'bun:test'
import { eq } from 'drizzle-orm'
import { billingCustomers, subscriptions, users } from '#drizzle/schema.ts'
import { DAY, HOUR } from '#src/lib/time.ts'
import { userTopic } from '#src/plugins/topics.ts'
import { STAND_IN_PRICE } from '#standins/stripe/server.ts'
import { json } from '#test/support/test-app.ts'
import { createTestBilling } from '#test/support/test-billing.ts'

describe('A subscription goes through its states', () => {
  test('incomplete, then incomplete_expired: never Pro', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    const { id } = billing.state.subscribe(user.customerId, STAND_IN_PRICE.id, 'incomplete')
    await billing.idle()
    expect([await billing.tier(user), (await billing.status(user)).status]).toEqual([
      'basic',
      'incomplete',
    ])
    billing.state.setStatus(id, 'incomplete_expired')
    await billing.idle()
    expect([await billing.tier(user), (await billing.status(user)).status]).toEqual([
      'basic',
      'incomplete_expired',
    ])
  })

  test('past_due: Pro inside the grace, Basic after it, Pro again when paid', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.clock.set(billing.clock.now() + 30 * DAY)
    billing.state.renew(user.subscriptionId, false)
    await billing.idle()
    const status = await billing.status(user)
    expect(status).toMatchObject({ tier: 'pro', status: 'past_due' })
    expect(status.graceUntil).toBe(new Date(billing.clock.now() + 3 * DAY).toISOString())
    billing.clock.set(billing.clock.now() + 3 * DAY - 1)
    expect(await billing.tier(user)).toBe('pro')
    billing.clock.set(billing.clock.now() + 1)
    expect(await billing.tier(user)).toBe('basic')
    billing.state.setStatus(user.subscriptionId, 'active')
    await billing.idle()
    expect(await billing.status(user)).toMatchObject({
      tier: 'pro',
      status: 'active',
      graceUntil: null,
    })
  })

  test('past_due twice: the second failure has a grace of its own', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    for (const month of [1, 2]) {
      billing.clock.set(billing.clock.now() + 30 * DAY)
      billing.state.renew(user.subscriptionId, false)
      await billing.idle()
      const { graceUntil } = await billing.status(user)
      expect([month, graceUntil]).toEqual([
        month,
        new Date(billing.clock.now() + 3 * DAY).toISOString(),
      ])
      billing.state.setStatus(user.subscriptionId, 'active')
      await billing.idle()
      expect(await billing.tier(user)).toBe('pro')
    }
  })

  test('a second sync while past_due does not lengthen the grace', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.clock.set(billing.clock.now() + 30 * DAY)
    billing.state.renew(user.subscriptionId, false)
    await billing.idle()
    const { graceUntil } = await billing.status(user)
    billing.clock.set(billing.clock.now() + 2 * DAY)
    for (const _ of [1, 2]) {
      await billing.send('POST', '/v1/subscription/sync', await billing.fresh(user))
      expect((await billing.status(user)).graceUntil).toBe(graceUntil)
    }
  })

  test.each(['unpaid', 'paused', 'a_state_of_tomorrow'])(
    '%s: Basic, and active again: Pro',
    async (status) => {
      await using billing = await createTestBilling()
      const user = await billing.subscriber()
      billing.state.setStatus(user.subscriptionId, status)
      await billing.idle()
      expect([await billing.tier(user), (await billing.status(user)).status]).toEqual([
        'basic',
        status,
      ])
      billing.state.setStatus(user.subscriptionId, 'active')
      await billing.idle()
      expect(await billing.tier(user)).toBe('pro')
    },
  )

  test('cancelled at once in the dashboard: Basic at the next prompt', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    expect((await billing.status(user)).quota).toEqual({ limit: null })
    const news: unknown[] = []
    billing.database.notifications.subscribe(userTopic(user.userId), (what) => news.push(what))
    billing.state.setStatus(user.subscriptionId, 'canceled')
    await billing.idle()
    // Open streams receive the new quota.
    expect(news).toEqual(['quota'])
    const { tier, status, quota } = await billing.status(user)
    expect([tier, status, quota.limit]).toEqual(['basic', 'canceled', 5])
  })

  test('two subscriptions, one cancelled: still Pro, and the audit log names the two', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.state.subscribe(user.customerId, STAND_IN_PRICE.id)
    await billing.idle()
    expect(billing.audits('billing.several-subscriptions')).toHaveLength(1)
    billing.state.setStatus(user.subscriptionId, 'canceled')
    await billing.idle()
    expect(await billing.status(user)).toMatchObject({ tier: 'pro', status: 'active' })
  })

  test('a newer incomplete beside an older active: Pro, and shown as active', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.clock.set(billing.clock.now() + HOUR)
    billing.state.subscribe(user.customerId, STAND_IN_PRICE.id, 'incomplete')
    await billing.idle()
    expect(await billing.status(user)).toMatchObject({ tier: 'pro', status: 'active' })
  })

  test('of a foreign price: Basic; of an older Pro price: Pro', async () => {
    await using billing = await createTestBilling()
    const [one, two] = [await billing.shopper(), await billing.shopper()]
    billing.state.subscribe(one.customerId, 'price_other')
    billing.state.subscribe(two.customerId, 'price_old')
    await billing.idle()
    expect([await billing.tier(one), await billing.tier(two)]).toEqual(['basic', 'pro'])
  })

  test('more than a page of subscriptions: all are read, and the active one is found', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    billing.stripe.deliveries.hold()
    billing.state.subscribe(user.customerId, STAND_IN_PRICE.id)
    for (let at = 0; at < 120; at++) {
      billing.state.subscribe(user.customerId, STAND_IN_PRICE.id, 'incomplete_expired')
    }
    await billing.send('POST', '/v1/subscription/sync', user)
    expect(await billing.tier(user)).toBe('pro')
    expect(billing.database.orm.select().from(subscriptions).all()).toHaveLength(121)
  })

  test('a renewal moves the period on', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const { currentPeriodEnd: first } = await billing.status(user)
    billing.clock.set(billing.clock.now() + 30 * DAY)
    billing.state.renew(user.subscriptionId, true)
    await billing.idle()
    const { currentPeriodEnd: second } = await billing.status(user)
    expect(Date.parse(second ?? '') - Date.parse(first ?? '')).toBe(30 * DAY)
  })

  test('every change of tier is audited once', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.state.setStatus(user.subscriptionId, 'canceled')
    await billing.idle()
    const details = billing
      .audits('tier.changed')
      .map(({ userId, detail }) => [userId === user.userId, JSON.parse(detail ?? '{}')])
    expect(details).toMatchObject([
      [true, { from: 'basic', to: 'pro' }],
      [true, { from: 'pro', to: 'basic' }],
    ])
  })
})

test('A customer deleted in the dashboard: all ended, and the user may subscribe anew', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  billing.state.deleteCustomer(user.customerId)
  await billing.idle()
  expect(await billing.tier(user)).toBe('basic')
  const answer = await billing.send('POST', '/v1/subscribe/pro', user)
  expect(answer.status).toBe(200)
  const { orm } = billing.database
  expect(orm.select().from(subscriptions).all()).toMatchObject([{ status: 'canceled' }])
  const rows = orm.select().from(billingCustomers).all()
  expect(rows.map(({ goneAt }) => goneAt === null)).toEqual([false, true])
})

test('An operator’s tier wins over Stripe both ways', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  const set = (tierOverride: 'basic' | 'pro' | null) =>
    billing.database.orm.update(users).set({ tierOverride }).where(eq(users.id, user.userId)).run()
  set('basic')
  expect((await billing.status(user)).tier).toBe('basic')
  set(null)
  expect((await billing.status(user)).tier).toBe('pro')
})

test('a change of tier counts at the next prompt', async () => {
  await using billing = await createTestBilling({ work: false, deliver: false })
  const user = await billing.shopper()
  const { id: room } = await json<{ id: string }>(billing.send('POST', '/v1/chatroom', user))
  const prompt = async () => {
    const body = { userPrompt: 'Hello' }
    return (await billing.send('POST', `/v1/chatroom/${room}/message`, { ...user, body })).status
  }
  for (let at = 0; at < 5; at++) expect(await prompt()).toBe(202)
  expect(await prompt()).toBe(429)
  const { id } = billing.state.subscribe(user.customerId, STAND_IN_PRICE.id)
  await billing.send('POST', '/v1/subscription/sync', user)
  expect(await prompt()).toBe(202)
  billing.state.setStatus(id, 'canceled')
  await billing.send('POST', '/v1/subscription/sync', user)
  expect(await prompt()).toBe(429)
})

test('past_due counts from the last time it was seen paid, where its period began earlier', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  billing.clock.set(billing.clock.now() + 20 * DAY)
  await billing.send('POST', '/v1/subscription/sync', await billing.fresh(user))
  const seenPaidAt = billing.clock.now()
  billing.clock.set(seenPaidAt + HOUR)
  // As after an upgrade in the middle of the period whose invoice is not paid.
  billing.state.setStatus(user.subscriptionId, 'past_due')
  await billing.idle()
  const { tier, graceUntil } = await billing.status(user)
  expect([tier, graceUntil]).toEqual(['pro', new Date(seenPaidAt + 3 * DAY).toISOString()])
})
