import { describe, expect, test } from 'bun:test'
import { eq } from 'drizzle-orm'
import { billingCustomers, jobs, subscriptions, users } from '#drizzle/schema.ts'
import { DAY, HOUR } from '#src/lib/time.ts'
import { createTiers, decide, type Mirrored } from '#src/modules/billing/entitlement.ts'
import { findMirrored } from '#src/modules/billing/statements.ts'
import { NOON } from '#test/support/fake-clock.ts'
import { createTestApp } from '#test/support/test-app.ts'

const rules = { proPrices: ['price_pro', 'price_old'], livemode: false, graceDays: 3 }

function mirrored(values: Partial<Mirrored> = {}): Mirrored {
  return {
    customerId: 'cus_1',
    status: 'active',
    priceId: 'price_pro',
    periodEnd: NOON + 30 * DAY,
    cancelAtPeriodEnd: false,
    pastDueSince: null,
    syncedAt: NOON,
    ...values,
  }
}

const tier = (values: Partial<Mirrored>, now = NOON) =>
  decide(rules, null, [mirrored(values)], now).tier

describe('the tier by the mirror', () => {
  test('active and trialing are Pro, also when they end with the period', () => {
    expect(tier({})).toBe('pro')
    expect(tier({ status: 'trialing' })).toBe('pro')
    expect(tier({ cancelAtPeriodEnd: true })).toBe('pro')
    expect(tier({ priceId: 'price_old' })).toBe('pro')
  })

  test.each([
    'incomplete',
    'incomplete_expired',
    'canceled',
    'unpaid',
    'paused',
    'a word of tomorrow',
  ])('%s is Basic', (status) => {
    expect(tier({ status })).toBe('basic')
  })

  test('a foreign price is Basic', () => {
    expect(tier({ priceId: 'price_other' })).toBe('basic')
    expect(tier({ priceId: null })).toBe('basic')
  })

  test('past_due is Pro up to the last millisecond of the grace, then Basic', () => {
    const failed = { status: 'past_due', pastDueSince: NOON }
    expect(tier(failed, NOON + 3 * DAY - 1)).toBe('pro')
    expect(tier(failed, NOON + 3 * DAY)).toBe('basic')
    expect(decide(rules, null, [mirrored(failed)], NOON).graceUntil).toBe(NOON + 3 * DAY)
  })

  test('72 hours after a period that ended without news the user is still Pro, and a sync is enqueued', () => {
    const ended = { periodEnd: NOON, syncedAt: NOON - 20 * DAY }
    expect(decide(rules, null, [mirrored(ended)], NOON + 1).stale).toBeUndefined()
    const { tier: kept, stale } = decide(rules, null, [mirrored(ended)], NOON + HOUR)
    expect([kept, stale]).toEqual(['pro', 'cus_1'])
    expect(tier(ended, NOON + 72 * HOUR - 1)).toBe('pro')
    expect(tier(ended, NOON + 72 * HOUR)).toBe('basic')
  })

  test('a later confirmation by Stripe renews the lease', () => {
    const confirmed = { periodEnd: NOON, syncedAt: NOON + DAY }
    expect(tier(confirmed, NOON + 4 * DAY - 1)).toBe('pro')
    expect(tier(confirmed, NOON + 4 * DAY)).toBe('basic')
  })

  test('one paid subscription is enough, in any order', () => {
    const good = mirrored()
    const late = mirrored({ status: 'past_due', pastDueSince: NOON - 9 * DAY })
    const forgiven = mirrored({ status: 'past_due', pastDueSince: NOON })
    for (const set of [
      [good, late, forgiven],
      [late, forgiven, good],
      [forgiven, good, late],
    ]) {
      expect(decide(rules, null, set, NOON)).toMatchObject({
        tier: 'pro',
        by: good,
        graceUntil: null,
      })
    }
    expect(decide(rules, null, [late, forgiven], NOON)).toMatchObject({ tier: 'pro', by: forgiven })
  })

  test('of two failed payments the one with the later end of grace counts, in any order', () => {
    const failedAt = (at: number) => mirrored({ status: 'past_due', pastDueSince: at })
    const [early, late] = [failedAt(NOON - DAY), failedAt(NOON)]
    for (const set of [
      [early, late],
      [late, early],
    ]) {
      expect(decide(rules, null, set, NOON).graceUntil).toBe(NOON + 3 * DAY)
    }
  })

  test('a tier that an operator set wins both ways', () => {
    expect(decide(rules, 'pro', [], NOON).tier).toBe('pro')
    expect(decide(rules, 'basic', [mirrored()], NOON).tier).toBe('basic')
  })
})

async function subscribed() {
  const { database, signIn } = createTestApp()
  const { userId } = await signIn()
  const tiers = createTiers(rules)
  const { orm } = database
  orm
    .insert(billingCustomers)
    .values({ id: 'cus_1', userId, livemode: false, createdAt: NOON })
    .run()
  orm
    .insert(subscriptions)
    .values({
      id: 'sub_1',
      customerId: 'cus_1',
      status: 'active',
      priceId: 'price_pro',
      periodEnd: NOON + DAY,
      cancelAtPeriodEnd: false,
      paused: false,
      createdAt: NOON,
      syncedAt: NOON,
    })
    .run()
  const ask = (now = NOON) => database.run(tiers.command, { userId, now })
  const read = () => database.read(tiers.query, { userId, now: NOON })
  return { database, orm, userId, ask, read }
}

describe('the tier in a transaction', () => {
  test('follows the mirror and the operator at the next prompt', async () => {
    const { orm, userId, ask, read } = await subscribed()
    expect(await ask()).toBe('pro')
    orm.update(subscriptions).set({ status: 'canceled' }).run()
    expect(await ask()).toBe('basic')
    orm.update(users).set({ tierOverride: 'pro' }).where(eq(users.id, userId)).run()
    expect(await ask()).toBe('pro')
    expect(await read()).toBe('pro')
  })

  test('ignores customers of the other mode, and is Basic for a deleted user', async () => {
    const { orm, userId, ask, read } = await subscribed()
    orm.update(billingCustomers).set({ livemode: true }).run()
    expect(await ask()).toBe('basic')
    orm.update(billingCustomers).set({ livemode: false }).run()
    orm.delete(users).where(eq(users.id, userId)).run()
    expect(await read()).toBe('basic')
  })

  test('enqueues one sync, however often the mirror is found stale', async () => {
    const { orm, ask } = await subscribed()
    const later = NOON + DAY + HOUR
    expect(await Promise.all([ask(later), ask(later), ask(later)])).toEqual(['pro', 'pro', 'pro'])
    await ask(later)
    expect(orm.select().from(jobs).all()).toMatchObject([
      { kind: 'billing.sync', concurrencyKey: 'stripe:cus_1', state: 'ready' },
    ])
  })

  test('is one statement that seeks by index', async () => {
    const { database, userId } = await subscribed()
    const plan = database.sqlite
      .query<{ detail: string }, [number, string]>(
        `EXPLAIN QUERY PLAN ${findMirrored.sqlite().text}`,
      )
      .all(0, userId)
      .map(({ detail }) => detail)
    expect(plan).toHaveLength(3)
    for (const step of plan) expect(step).toStartWith('SEARCH')
  })
})
