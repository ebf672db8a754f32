import { describe, expect, test } from 'bun:test'
import { eq } from 'drizzle-orm'
import {
  billingCustomers,
  checkoutSessions,
  jobs,
  stripeAttempts,
  stripeEvents,
} from '#drizzle/schema.ts'
import { DAY, HOUR, MINUTE } from '#src/lib/time.ts'
import { createTestBilling, eventOf, type TestBilling } from '#test/support/test-billing.ts'

const statuses = (billing: TestBilling, customerId: string) =>
  billing.database.orm
    .select()
    .from(checkoutSessions)
    .where(eq(checkoutSessions.customerId, customerId))
    .all()
    .map(({ status }) => status)

describe('A sync', () => {
  test('changes the checkouts of its own customer only', async () => {
    await using billing = await createTestBilling()
    const [one, two] = [await billing.shopper(), await billing.shopper()]
    billing.deliverNowhere()
    for (const session of billing.state.sessions.values()) session.status = 'expired'
    await billing.send('POST', '/v1/subscription/sync', one)
    expect(statuses(billing, one.customerId)).toEqual(['expired'])
    expect(statuses(billing, two.customerId)).toEqual(['open'])
  })

  test('ends the subscriptions that Stripe no longer lists, of its own customer only', async () => {
    await using billing = await createTestBilling()
    const [one, two] = [await billing.subscriber(), await billing.subscriber()]
    billing.state.subscriptions.delete(one.subscriptionId)
    await billing.send('POST', '/v1/subscription/sync', one)
    expect([await billing.tier(one), await billing.tier(two)]).toEqual(['basic', 'pro'])
  })

  test('keeps the instant at which a customer was first seen deleted', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    billing.state.deleteCustomer(user.customerId)
    await billing.idle()
    const goneAt = () => billing.database.orm.select().from(billingCustomers).get()?.goneAt
    const first = goneAt()
    expect(first).toBe(billing.clock.now())
    billing.clock.set(billing.clock.now() + MINUTE)
    await billing.deliver(eventOf({}, { object: 'subscription', customer: user.customerId }))
    await billing.idle()
    expect(billing.syncs().length).toBeGreaterThan(1)
    expect(goneAt()).toBe(first)
  })

  test('publishes the quota to the streams of the user when the tier changed, and only then', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const heard: unknown[] = []
    billing.database.notifications.subscribe(`user:${user.userId}`, (payload) =>
      heard.push(payload),
    )
    await billing.send('POST', '/v1/subscription/sync', user)
    expect(heard).toEqual([])
    billing.state.setStatus(user.subscriptionId, 'canceled')
    await billing.idle()
    expect(heard).toEqual(['quota'])
  })
})

describe('The nightly prune', () => {
  const prune = async (billing: TestBilling) => {
    const task = billing.services.billing.maintenance.find(({ name }) => name.startsWith('prune'))
    await task?.run()
  }

  test('deletes attempts whose key Stripe has forgotten, and no younger one', async () => {
    await using billing = await createTestBilling()
    const { orm } = billing.database
    const now = billing.clock.now()
    const rows = [
      { scope: 'old', key: 'k', createdAt: now - 23 * HOUR - 1 },
      { scope: 'young', key: 'k', createdAt: now - 23 * HOUR },
    ]
    orm.insert(stripeAttempts).values(rows).run()
    await prune(billing)
    expect(
      orm
        .select()
        .from(stripeAttempts)
        .all()
        .map(({ scope }) => scope),
    ).toEqual(['young'])
  })

  test('deletes events that were received 30 days ago, and no later one', async () => {
    await using billing = await createTestBilling()
    const { orm } = billing.database
    const now = billing.clock.now()
    const event = (id: string, receivedAt: number) =>
      ({ id, type: 't', state: 'ignored', createdAt: 0, receivedAt }) as const
    orm
      .insert(stripeEvents)
      .values([event('old', now - 30 * DAY - 1), event('young', now - 30 * DAY)])
      .run()
    await prune(billing)
    expect(billing.events().map(({ id }) => id)).toEqual(['young'])
  })
})

test('A customer keeps every paid checkout, and expired ones for 30 days', async () => {
  await using billing = await createTestBilling()
  const user = await billing.shopper()
  const { orm } = billing.database
  const now = billing.clock.now()
  const other = await billing.shopper()
  const session = (
    id: string,
    status: 'complete' | 'expired',
    ageMs: number,
    customerId = user.customerId,
  ) => ({
    id,
    customerId,
    url: 'x',
    status,
    createdAt: now - ageMs,
    expiresAt: now,
  })
  orm
    .insert(checkoutSessions)
    .values([
      session('paid', 'complete', 90 * DAY),
      session('old', 'expired', 30 * DAY + 1),
      session('young', 'expired', 30 * DAY),
      session('of another', 'expired', 90 * DAY, other.customerId),
    ])
    .run()
  for (const one of billing.state.sessions.values()) one.status = 'expired'
  expect((await billing.send('POST', '/v1/subscribe/pro', user)).status).toBe(200)
  const kept = orm
    .select()
    .from(checkoutSessions)
    .all()
    .map(({ id }) => id)
  expect(kept.filter((id) => !id.startsWith('cs_')).sort()).toEqual(['of another', 'paid', 'young'])
})

test('A page that expires in less than five minutes is not reused', async () => {
  await using billing = await createTestBilling({ deliver: false })
  const user = await billing.shopper()
  const made = () => billing.calls('POST', /^\/v1\/checkout\/sessions$/).length
  const ask = async (at: number) => {
    billing.clock.set(at)
    await billing.send('POST', '/v1/subscribe/pro', await billing.fresh(user))
    return made()
  }
  const end = billing.clock.now() + DAY
  expect(await ask(end - 5 * MINUTE)).toBe(1)
  expect(await ask(end - 5 * MINUTE + 1)).toBe(2)
  // Of two open pages the later one is given.
  const { url } = (await (
    await billing.send('POST', '/v1/subscribe/pro', await billing.fresh(user))
  ).json()) as { url: string }
  expect(url).toEndWith([...billing.state.sessions.keys()].at(-1) ?? 'none')
})

test('A run that was taken over after a minute is ended only by the process that took it over', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  const go = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  billing.stripe.behave(() => {
    asked.resolve()
    return { kind: 'late', until: go.promise }
  })
  const slow = billing.send('POST', '/v1/subscription/sync', user)
  await asked.promise
  const taken = {
    scope: `flight:${user.userId}`,
    key: 'of another process',
    createdAt: billing.clock.now(),
  }
  billing.database.orm.update(stripeAttempts).set(taken).run()
  go.resolve()
  expect((await slow).status).toBe(200)
  expect(billing.database.orm.select().from(stripeAttempts).all()).toEqual([taken])
})

describe('Deleting an account', () => {
  const closing = (billing: TestBilling) =>
    billing.database.orm.select().from(jobs).where(eq(jobs.kind, 'billing.close')).all()

  test('closes the customers of that account, once, after the jobs that run for them', async () => {
    await using billing = await createTestBilling({ work: false })
    const [one, two] = [await billing.shopper(), await billing.shopper()]
    await billing.services.users.erase(one.userId)
    expect(closing(billing)).toMatchObject([
      { concurrencyKey: `stripe:${one.customerId}`, dedupeKey: `billing.close:${one.customerId}` },
    ])
    expect(statuses(billing, two.customerId)).toEqual(['open'])
  })
})
