import { describe, expect, test } from 'bun:test'
import { auditLog, billingCustomers, sessions, subscriptions, users } from '#drizzle/schema.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { DAY } from '#src/lib/time.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { pollux } from '#test/support/terminal.ts'

const ada = { id: 'ada', phone: '+12025550101', createdAt: 1_000, updatedAt: 1_000 }
const bob = { id: 'bob', phone: '+12025550102', createdAt: 2_000, updatedAt: 2_000 }
const STRIPE = {
  STRIPE_SECRET_KEY: 'sk_test_of_this_test',
  STRIPE_WEBHOOK_SECRETS: 'whsec_of_this_test',
  STRIPE_PRO_PRICES: 'price_pro',
}
const times = { createdAt: 1_000, lastUsedAt: 1_000, expiresAt: 9_000 }

async function setUp() {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  database.orm.insert(users).values([ada, bob]).run()
  database.orm
    .insert(sessions)
    .values([
      { id: 's1', userId: 'ada', ...times },
      { id: 's2', userId: 'ada', ...times },
      { id: 's3', userId: 'bob', ...times },
    ])
    .run()

  const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${path}` }
  const audited = () =>
    database.orm
      .select()
      .from(auditLog)
      .all()
      .map(({ event, userId, actor }) => ({ event, userId, actor }))
  async function end() {
    database.close()
    await folder[Symbol.asyncDispose]()
  }
  /** A subscriber as the mirror holds one, and the settings by which that counts. */
  function subscribe(userId: string) {
    Object.assign(environment, STRIPE)
    const now = Date.now()
    const id = `cus_${userId}`
    const { orm } = database
    orm.insert(billingCustomers).values({ id, userId, livemode: false, createdAt: now }).run()
    orm
      .insert(subscriptions)
      .values({
        id: `sub_${userId}`,
        customerId: id,
        status: 'active',
        priceId: 'price_pro',
        periodEnd: now + 30 * DAY,
        cancelAtPeriodEnd: false,
        paused: false,
        createdAt: now,
        syncedAt: now,
      })
      .run()
  }
  return {
    subscribe,
    overrides: () =>
      database.orm.select({ id: users.id, tier: users.tierOverride }).from(users).all(),
    details: () =>
      database.orm
        .select({ detail: auditLog.detail })
        .from(auditLog)
        .all()
        .map(({ detail }) => detail),
    pollux: (...argv: string[]) => pollux(argv, environment),
    audited,
    [Symbol.asyncDispose]: end,
  }
}

describe('pollux user', () => {
  test('lists the newest first and shows one by id or phone', async () => {
    await using terminal = await setUp()
    const { pollux } = terminal
    const { out } = await pollux('user', 'list', '--json')
    expect(JSON.parse(out)).toMatchObject([{ id: 'bob' }, { id: 'ada', livingSessions: 2 }])
    const byPhone = await pollux('user', 'show', ada.phone, '--json')
    expect(JSON.parse(byPhone.out)).toMatchObject({ id: 'ada', tier: 'basic', quota: { limit: 5 } })
    expect((await pollux('user', 'show', 'ada')).out).toContain('0 of 5 used')
    expect(await pollux('user', 'show', 'eve')).toMatchObject({ code: 1 })
  })

  test('sets a tier that wins, and takes it back', async () => {
    await using terminal = await setUp()
    const { pollux, audited } = terminal
    const tier = async () => JSON.parse((await pollux('user', 'show', 'ada', '--json')).out).tier
    expect(await pollux('user', 'set-tier', 'ada', 'pro')).toMatchObject({ code: 0 })
    expect(await tier()).toBe('pro')
    expect(await pollux('user', 'set-tier', 'ada', 'by-subscription')).toMatchObject({ code: 0 })
    expect(await tier()).toBe('basic')
    expect(await pollux('user', 'set-tier', 'ada', 'gold')).toMatchObject({ code: 2 })
    const entry = { event: 'tier.set', userId: 'ada', actor: 'operator' } as const
    expect(audited()).toEqual([entry, entry])
  })

  test('gives a subscriber the tier of the subscription back, and changes nobody else', async () => {
    await using terminal = await setUp()
    const { pollux, overrides, details } = terminal
    terminal.subscribe('ada')
    terminal.subscribe('bob')
    const tiers = async () =>
      Promise.all(
        ['ada', 'bob'].map(
          async (who) => JSON.parse((await pollux('user', 'show', who, '--json')).out).tier,
        ),
      )
    expect(await tiers()).toEqual(['pro', 'pro'])
    expect((await pollux('user', 'set-tier', ada.phone, 'basic')).out).toBe('ada is basic now.\n')
    expect(await tiers()).toEqual(['basic', 'pro'])
    expect((await pollux('user', 'set-tier', 'ada', 'by-subscription')).out).toBe(
      'ada is what Stripe says now.\n',
    )
    expect(await tiers()).toEqual(['pro', 'pro'])
    expect(overrides()).toEqual([
      { id: 'ada', tier: null },
      { id: 'bob', tier: null },
    ])
    expect(details()).toEqual(['{"tier":"basic"}', '{"tier":"by-subscription"}'])
  })

  test('ends every session of one user and of nobody else', async () => {
    await using terminal = await setUp()
    const { pollux, audited } = terminal
    expect((await pollux('user', 'revoke-sessions', ada.phone)).out).toStartWith('2 session(s)')
    const { out } = await pollux('user', 'list', '--json')
    expect(JSON.parse(out)).toMatchObject([
      { id: 'bob', livingSessions: 1 },
      { id: 'ada', livingSessions: 0 },
    ])
    expect(audited()).toEqual([{ event: 'sessions.revoked', userId: 'ada', actor: 'operator' }])
  })

  test('erases one user for good, when it is meant', async () => {
    await using terminal = await setUp()
    const { pollux, audited } = terminal
    expect((await pollux('user', 'delete', 'ada')).err).toContain('--yes')
    expect(await pollux('user', 'delete', 'ada', '--yes')).toMatchObject({ code: 0 })
    const { out } = await pollux('user', 'list', '--json')
    expect(JSON.parse(out)).toMatchObject([{ id: 'bob', livingSessions: 1 }])
    expect(audited()).toEqual([{ event: 'account.deleted', userId: 'ada', actor: 'operator' }])
  })
})
