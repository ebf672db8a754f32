import { describe, expect, test } from 'bun:test'
import { eq } from 'drizzle-orm'
import { billingCustomers, subscriptions, users } from '#drizzle/schema.ts'
import { DAY, HOUR, MINUTE } from '#src/lib/time.ts'
import { createGauges } from '#src/modules/metrics/gauges.ts'
import { createMetrics } from '#src/plugins/metrics.ts'
import { noteStatements, walksOf } from '#test/support/plans.ts'
import { createTestApp } from '#test/support/test-app.ts'

const STRIPE = {
  stripeSecretKey: 'sk_test_1',
  stripeWebhookSecrets: ['whsec_1'],
  stripeProPrices: ['price_pro'],
}

function setUp() {
  const test = createTestApp(STRIPE)
  const { database, clock, services } = test
  const { orm } = database
  let made = 0

  /** A user with a subscription as the mirror holds it. */
  async function subscriber(
    values: Partial<typeof subscriptions.$inferInsert> = {},
    customer: Partial<typeof billingCustomers.$inferInsert> = {},
  ) {
    const { userId } = await test.signIn()
    const id = `cus_${made++}`
    const now = clock.now()
    orm
      .insert(billingCustomers)
      .values({ id, userId, livemode: false, createdAt: now, ...customer })
      .run()
    orm
      .insert(subscriptions)
      .values({
        id: `sub_${made}`,
        customerId: id,
        status: 'active',
        priceId: 'price_pro',
        periodEnd: now + 30 * DAY,
        cancelAtPeriodEnd: false,
        paused: false,
        createdAt: now,
        syncedAt: now,
        ...values,
      })
      .run()
    return userId
  }

  const override = (userId: string, tier: 'basic' | 'pro') =>
    orm.update(users).set({ tierOverride: tier }).where(eq(users.id, userId)).run()

  /** What a prompt of each user would find. */
  const byPrompt = async () => {
    const count = { basic: 0, pro: 0 }
    for (const { id, phone } of orm.select().from(users).all()) {
      if (phone === null) continue
      const asked = { userId: id, now: clock.now() }
      count[await database.read(services.billing.tier.query, asked)]++
    }
    return count
  }

  return { ...test, orm, subscriber, override, byPrompt, count: services.billing.countTiers }
}

describe('Users by tier are counted as their next prompt would find them', () => {
  test('by subscription, price, mode, grace and lease', async () => {
    const { signIn, subscriber, count, byPrompt, clock } = setUp()
    await signIn()
    const now = clock.now()
    const failed = (ms: number) => ({ status: 'past_due', pastDueSince: now - ms })
    const pro = [
      {},
      { status: 'trialing' },
      failed(3 * DAY - 1),
      { periodEnd: now - 71 * HOUR, syncedAt: now - 71 * HOUR },
    ]
    const basic = [
      { status: 'canceled' },
      { status: 'unpaid' },
      { priceId: 'price_of_something_else' },
      failed(3 * DAY),
      { periodEnd: now - 72 * HOUR, syncedAt: now - 72 * HOUR },
    ]
    for (const values of [...pro, ...basic]) await subscriber(values)
    await subscriber({}, { livemode: true })
    await subscriber({}, { goneAt: now })
    expect(await count()).toEqual({ basic: basic.length + 3, pro: pro.length })
    expect(await count()).toEqual(await byPrompt())
  })

  test('a user with two subscriptions, or two customers, counts once', async () => {
    const { subscriber, count, orm } = setUp()
    const userId = await subscriber()
    const values = orm
      .select()
      .from(subscriptions)
      .all()
      .map((one) => ({ ...one, id: 'sub_second' }))
    orm.insert(subscriptions).values(values).run()
    orm
      .insert(billingCustomers)
      .values({ id: 'cus_live', userId, livemode: true, createdAt: 0 })
      .run()
    expect(await count()).toEqual({ basic: 0, pro: 1 })
  })

  test('a tier that an operator set wins both ways, and counts once', async () => {
    const { signIn, subscriber, override, count, byPrompt } = setUp()
    override((await signIn()).userId, 'pro')
    override(await subscriber(), 'pro')
    override(await subscriber(), 'basic')
    await subscriber()
    expect(await count()).toEqual({ basic: 1, pro: 3 })
    expect(await count()).toEqual(await byPrompt())
  })

  test('users who are being erased are not counted', async () => {
    const { signIn, subscriber, override, count, database } = setUp()
    await signIn()
    const erased = [(await signIn()).userId, await subscriber(), (await signIn()).userId]
    override(erased[2] ?? '', 'pro')
    expect(await count()).toEqual({ basic: 2, pro: 2 })
    // Such rows stay until a job has erased what is below them.
    database.sqlite.run(
      'UPDATE users SET phone = NULL WHERE id IN (SELECT value FROM json_each(?1))',
      [JSON.stringify(erased)],
    )
    expect(await count()).toEqual({ basic: 1, pro: 0 })
  })

  test('without any user', async () => {
    expect(await setUp().count()).toEqual({ basic: 0, pro: 0 })
  })

  test('in steps: 5 000 users and 1 000 customers, with other work in between', async () => {
    const { database, subscriber, count, orm } = setUp()
    const userId = await subscriber()
    database.sqlite.run(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO users (id, phone, tier_override, created_at, updated_at)
      SELECT printf('u%05d', i), printf('+99%05d', i), CASE WHEN i > 4990 THEN 'pro' END, 0, 0 FROM n`)
    database.sqlite.run(`
      INSERT INTO billing_customers (id, user_id, livemode, created_at)
      SELECT 'cus_' || id, id, 0, 0 FROM users WHERE id BETWEEN 'u00001' AND 'u01000'`)
    database.sqlite.run(`
      INSERT INTO subscriptions (id, customer_id, status, price_id, period_end, cancel_at_period_end, paused, created_at, synced_at)
      SELECT 'sub_' || c.id, c.id, s.status, s.price_id, s.period_end, 0, 0, 0, s.synced_at
      FROM billing_customers c, subscriptions s WHERE c.user_id <> '${userId}'`)
    let ticks = 0
    let running = true
    const tick = () => {
      ticks++
      if (running) setImmediate(tick)
    }
    setImmediate(tick)
    expect(await count()).toEqual({ basic: 5_001 - 1_011, pro: 1_011 })
    running = false
    expect(ticks).toBeGreaterThan(8)
    expect(orm.select().from(users).all()).toHaveLength(5_001)
  })
})

test('The statements of the count walk an index from where the last step ended', async () => {
  const { database, count } = setUp()
  const noted = noteStatements()
  try {
    await count()
  } finally {
    noted.restore()
  }
  const statements = [...noted.statements]
  expect(statements.length).toBeGreaterThanOrEqual(3)
  const walks = statements.flatMap((sql) => walksOf(database.sqlite, sql))
  // The outer SELECT counts the rows of its step.
  expect(walks.filter((walk) => !walk.startsWith('SCAN step:'))).toEqual([])
})

describe('The gauge', () => {
  test('waits for the first count, shows it for five minutes, then shows the last one while it counts again', async () => {
    const { database, clock } = setUp()
    const metrics = createMetrics()
    const counts = [Promise.withResolvers<number>(), Promise.withResolvers<number>()]
    let asked = 0
    const countTiers = async () => ({ basic: 0, pro: (await counts[asked++]?.promise) ?? 0 })
    const pauses = async () => []
    const options = { database, clock, path: ':memory:', backupDir: undefined, countTiers, pauses }
    for (const gauge of createGauges(options)) metrics.watch(gauge)
    const pro = async () =>
      Number(/pollux_users\{tier="pro"\} (\d+)/.exec(await metrics.text())?.[1])
    const first = pro()
    counts[0]?.resolve(7)
    expect(await first).toBe(7)
    clock.set(clock.now() + 5 * MINUTE - 1)
    expect(await pro()).toBe(7)
    expect(asked).toBe(1)
    clock.set(clock.now() + 1)
    expect([await pro(), await pro()]).toEqual([7, 7])
    expect(asked).toBe(2)
    counts[1]?.resolve(8)
    await counts[1]?.promise
    await Bun.sleep(0)
    expect(await pro()).toBe(8)
    expect(asked).toBe(2)
  })

  test('a count that fails is tried again at the next scrape, and the last value stays', async () => {
    const { database, clock } = setUp()
    const metrics = createMetrics()
    let asked = 0
    const countTiers = async () => {
      asked++
      if (asked === 2) throw new Error('busy')
      return { basic: 0, pro: asked }
    }
    const pauses = async () => []
    const options = { database, clock, path: ':memory:', backupDir: undefined, countTiers, pauses }
    for (const gauge of createGauges(options)) metrics.watch(gauge)
    const pro = async () =>
      Number(/pollux_users\{tier="pro"\} (\d+)/.exec(await metrics.text())?.[1])
    expect(await pro()).toBe(1)
    clock.set(clock.now() + 5 * MINUTE)
    expect(await pro()).toBe(1)
    await Bun.sleep(0)
    expect(await pro()).toBe(1)
    await Bun.sleep(0)
    expect(await pro()).toBe(3)
  })
})
