import { expect, test } from 'bun:test'
import { auditLog } from '#drizzle/schema.ts'
import { createMetrics } from '#src/plugins/metrics.ts'
import { createTestBilling, eventOf } from '#test/support/test-billing.ts'

test('Events of the other mode are not audited, and a copy is audited once', async () => {
  await using billing = await createTestBilling({ deliver: false })
  const { customerId } = await billing.subscriber()
  const charge = {
    object: 'charge',
    id: 'ch_1',
    customer: customerId,
    amount: 900,
    amount_refunded: 100,
  }
  await billing.deliver(eventOf({ type: 'charge.refunded', livemode: true }, charge))
  expect(billing.audits('billing.charge.refunded')).toEqual([])
  const ours = eventOf({ type: 'charge.refunded' }, charge)
  await billing.deliver(ours)
  await billing.deliver(ours)
  const refund = eventOf(
    { type: 'refund.updated' },
    { object: 'refund', id: 're_1', charge: 'ch_1' },
  )
  await billing.deliver(refund)
  expect(billing.audits('billing.charge.refunded')).toHaveLength(1)
  expect(billing.audits('billing.refund.updated')).toHaveLength(1)
  const [entry] = billing.audits('billing.charge.refunded')
  expect(JSON.parse(entry?.detail ?? '{}')).toMatchObject({ amount: 100, charge: null })
  expect(billing.database.orm.select().from(auditLog).all().length).toBeGreaterThan(1)
})

test.each([
  ['customer.updated', { object: 'customer', id: 'KNOWN' }, 'ignored'],
  ['customer.deleted', { object: 'customer', id: 'KNOWN' }, 'queued'],
  [
    'subscription_schedule.canceled',
    { object: 'subscription_schedule', customer: 'KNOWN' },
    'queued',
  ],
  ['checkout.session.expired', { object: 'checkout.session', customer: 'KNOWN' }, 'queued'],
  ['invoice.paid', { object: 'invoice', customer: { id: 'KNOWN', object: 'customer' } }, 'queued'],
  ['invoiceitem.created', { object: 'invoiceitem', customer: 'KNOWN' }, 'ignored'],
])('%s about a known customer is %s', async (type, object, state) => {
  await using billing = await createTestBilling({ work: false, deliver: false })
  const { customerId } = await billing.shopper()
  const named = JSON.parse(JSON.stringify(object).replaceAll('KNOWN', customerId)) as object
  await billing.deliver(eventOf({ type }, named))
  expect(billing.events().map((event) => [event.state, event.customerId])).toEqual([
    [state, customerId],
  ])
  expect(billing.syncs()).toHaveLength(state === 'queued' ? 1 : 0)
})

test('Calls of Stripe are counted by how they ended, each once', async () => {
  const metrics = createMetrics()
  await using billing = await createTestBilling({ metrics, settings: { stripeTimeoutMs: 200 } })
  const user = await billing.subscriber()
  const count = async (outcome: string) =>
    Number(
      new RegExp(
        `call_duration_seconds_count\\{provider="stripe",outcome="${outcome}"\\} (\\d+)`,
      ).exec(await metrics.text())?.[1] ?? 0,
    )
  const sync = async () => billing.send('POST', '/v1/subscription/sync', await billing.fresh(user))
  for (const [behaviour, outcome] of [
    [{ kind: 'status', status: 400 }, 'refused'],
    [{ kind: 'status', status: 404 }, 'refused'],
    [{ kind: 'status', status: 500 }, 'unavailable'],
    [{ kind: 'hang' }, 'timeout'],
    [{ kind: 'lose' }, 'ok'],
    [{ kind: 'status', status: 429 }, 'limited'],
  ] as const) {
    const before = await count(outcome)
    billing.stripe.behave(() => behaviour)
    await sync()
    expect([outcome, await count(outcome)]).toEqual([outcome, before + 1])
  }
  // While the circuit is open no call is made, and none is counted.
  await sync()
  expect(await count('limited')).toBe(1)
})
