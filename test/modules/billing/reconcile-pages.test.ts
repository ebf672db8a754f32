import { expect, test } from 'bun:test'
import { eq } from 'drizzle-orm'
import {
  billingCustomers,
  checkoutSessions,
  jobs,
  stripeCursors,
  subscriptions,
  users,
} from '#drizzle/schema.ts'
import { HOUR } from '#src/lib/time.ts'
import { createTestBilling, type TestBilling } from '#test/support/test-billing.ts'

/** Inserts this many customers with an active subscription into the mirror. */
function addSubscribers(billing: TestBilling, count: number) {
  const { orm } = billing.database
  const names = Array.from({ length: count }, (_, at) => String(at).padStart(4, '0'))
  const times = { createdAt: 0, updatedAt: 0 }
  orm
    .insert(users)
    .values(names.map((id) => ({ id, phone: `+99${id}`, ...times })))
    .run()
  orm
    .insert(billingCustomers)
    .values(names.map((id) => ({ id: `cus_${id}`, userId: id, livemode: false, createdAt: 0 })))
    .run()
  orm
    .insert(subscriptions)
    .values(
      names.map((id) => ({
        id: `sub_${id}`,
        customerId: `cus_${id}`,
        status: 'active',
        cancelAtPeriodEnd: false,
        paused: false,
        createdAt: 0,
        syncedAt: 0,
      })),
    )
    .run()
}

const customersWithSync = ({ database }: TestBilling) =>
  database.orm
    .select({ key: jobs.concurrencyKey })
    .from(jobs)
    .where(eq(jobs.kind, 'billing.sync'))
    .all()
    .map(({ key }) => key)

/** Runs the handler of a job kind, without the worker. */
function run(
  billing: TestBilling,
  kind: string,
  body: object = {},
  signal = new AbortController().signal,
) {
  const handler = billing.services.queue.kinds.get(kind)
  if (!handler) throw new Error(`No kind ${kind}`)
  const job = {
    id: 1,
    kind,
    concurrencyKey: null,
    owner: null,
    body,
    attempt: 1,
    errors: 0,
    trace: null,
    createdAt: 0,
  }
  return handler.run(job, signal)
}

const reconcile = (billing: TestBilling) => run(billing, 'billing.reconcile')

test('a reconcile reads every page of events and syncs every page of customers that can change', async () => {
  await using billing = await createTestBilling({ deliver: false, work: false })
  addSubscribers(billing, 230)
  const { orm } = billing.database
  for (let at = 0; at < 230; at++) billing.state.happen('payout.paid', {})
  // These cannot change any more, or are of the other mode.
  orm
    .update(subscriptions)
    .set({ status: 'canceled' })
    .where(eq(subscriptions.id, 'sub_0001'))
    .run()
  orm.update(billingCustomers).set({ goneAt: 1 }).where(eq(billingCustomers.id, 'cus_0002')).run()
  orm
    .update(billingCustomers)
    .set({ livemode: true })
    .where(eq(billingCustomers.id, 'cus_0003'))
    .run()
  // This customer has no subscription, but a page that may still be paid.
  orm
    .update(subscriptions)
    .set({ status: 'incomplete_expired' })
    .where(eq(subscriptions.id, 'sub_0004'))
    .run()
  orm
    .insert(checkoutSessions)
    .values({
      id: 'cs_1',
      customerId: 'cus_0004',
      url: 'x',
      status: 'open',
      createdAt: 0,
      expiresAt: 0,
    })
    .run()
  await reconcile(billing)
  expect(billing.events()).toHaveLength(230)
  const lanes = customersWithSync(billing)
  expect(lanes).toHaveLength(227)
  expect(new Set(lanes).size).toBe(227)
  for (const id of ['0001', '0002', '0003']) expect(lanes).not.toContain(`stripe:cus_${id}`)
  expect(lanes).toContain('stripe:cus_0004')
  expect(lanes).toContain('stripe:cus_0229')
})

test('the next reconcile begins an hour before this one began, in each mode by itself', async () => {
  await using billing = await createTestBilling({ deliver: false, work: false })
  const { orm } = billing.database
  orm.insert(stripeCursors).values({ livemode: true, eventsUntil: 1 }).run()
  const began = billing.clock.now()
  billing.stripe.behave(() => {
    billing.clock.set(billing.clock.now() + 1_000)
    return { kind: 'answer' }
  })
  await reconcile(billing)
  await reconcile(billing)
  const [, second] = billing.calls('GET', /^\/v1\/events$/)
  expect(second?.params).toMatchObject({ created: { gte: String((began - HOUR) / 1_000) } })
  expect(orm.select().from(stripeCursors).where(eq(stripeCursors.livemode, true)).get()).toEqual({
    livemode: true,
    eventsUntil: 1,
  })
})

test('a second reconcile is not enqueued while one waits', async () => {
  await using billing = await createTestBilling({ work: false })
  await billing.services.billing.reconcile()
  await billing.services.billing.reconcile()
  const waiting = billing.database.orm
    .select()
    .from(jobs)
    .where(eq(jobs.kind, 'billing.reconcile'))
    .all()
  expect(waiting).toHaveLength(1)
})

test('a reconcile and a sync whose signal aborts read no further', async () => {
  await using billing = await createTestBilling({ deliver: false, work: false })
  const user = await billing.shopper()
  for (let at = 0; at < 150; at++) billing.state.happen('payout.paid', {})
  billing.state.subscribe(user.customerId, 'price_standin_pro')
  for (const [kind, body] of [
    ['billing.reconcile', {}],
    ['billing.sync', { customerId: user.customerId }],
    ['billing.close', { customerId: user.customerId }],
  ] as const) {
    const stop = AbortSignal.abort(new Error('told to stop'))
    await expect(run(billing, kind, body, stop)).rejects.toThrow('told to stop')
  }
  expect(billing.events()).toEqual([])
  expect([...billing.state.subscriptions.values()].map(({ status }) => status)).toEqual(['active'])
})
