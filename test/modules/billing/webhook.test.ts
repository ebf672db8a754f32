import { describe, expect, test } from 'bun:test'
import { sign } from '#standins/stripe/deliveries.ts'
import { json, type ProblemJson } from '#test/support/test-app.ts'
import { createTestBilling, eventOf, WEBHOOK_SECRET } from '#test/support/test-billing.ts'

const refused = async (answer: Response) => {
  expect(answer.status).toBe(400)
  expect((await json<ProblemJson>(answer)).type).toBe('/problems/invalid-webhook')
}

describe('A delivery is accepted', () => {
  test('once, also when it comes 100 times at once', async () => {
    await using billing = await createTestBilling({ work: false, deliver: false })
    const { customerId } = await unsynced(billing)
    const payload = eventOf({ id: 'evt_same' }, { object: 'subscription', customer: customerId })
    const answers = await Promise.all(Array.from({ length: 100 }, () => billing.deliver(payload)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await json<unknown>(answers[99] ?? new Response())).toEqual({ received: true })
    expect(billing.events().filter(({ id }) => id === 'evt_same')).toHaveLength(1)
    expect(billing.syncs()).toHaveLength(1)
  })

  test('and a copy that comes after the sync starts no other sync', async () => {
    await using billing = await createTestBilling({ deliver: false })
    const { customerId } = await unsynced(billing)
    const payload = eventOf({}, { object: 'subscription', customer: customerId })
    for (const _ of [1, 2]) {
      await billing.deliver(payload)
      await billing.idle()
      expect(billing.syncs()).toHaveLength(1)
    }
  })

  test('100 events of one customer at once cause one sync', async () => {
    await using billing = await createTestBilling({ work: false, deliver: false })
    const { customerId } = await unsynced(billing)
    const payloads = Array.from({ length: 100 }, () =>
      eventOf({}, { object: 'subscription', customer: customerId }),
    )
    await Promise.all(payloads.map((payload) => billing.deliver(payload)))
    expect(billing.events()).toHaveLength(100)
    expect(billing.syncs()).toHaveLength(1)
  })

  test('different events of the same second are two events', async () => {
    await using billing = await createTestBilling({ work: false, deliver: false })
    const { customerId } = await unsynced(billing)
    const object = { object: 'subscription', customer: customerId }
    await billing.deliver(eventOf({ id: 'evt_1' }, object))
    await billing.deliver(eventOf({ id: 'evt_2' }, object))
    expect(billing.events().map(({ id, state }) => [id, state])).toEqual([
      ['evt_1', 'queued'],
      ['evt_2', 'queued'],
    ])
  })

  test('with the rotated secret as with the new one', async () => {
    const settings = { stripeWebhookSecrets: ['whsec_new', WEBHOOK_SECRET] }
    await using billing = await createTestBilling({ settings })
    const payload = eventOf()
    for (const secret of settings.stripeWebhookSecrets) {
      const header = { 'stripe-signature': sign(payload, secret, billing.clock.now()) }
      expect((await billing.deliver(payload, header)).status).toBe(200)
    }
  })

  test('with two v1 signatures of which one is right', async () => {
    await using billing = await createTestBilling()
    const payload = eventOf()
    const right = sign(payload, WEBHOOK_SECRET, billing.clock.now())
    const [at, seal] = right.split(',')
    const signature = `${at},v1=${'0'.repeat(64)},${seal}`
    expect((await billing.deliver(payload, { 'stripe-signature': signature })).status).toBe(200)
  })

  test('with a body that is not ASCII', async () => {
    await using billing = await createTestBilling()
    const payload = eventOf({}, { object: 'customer', id: 'cus_x', name: 'Zoë 東京 🎉' })
    expect((await billing.deliver(payload)).status).toBe(200)
  })

  test('300 seconds after it was signed, and not at 301', async () => {
    await using billing = await createTestBilling()
    const payload = eventOf()
    const at = (seconds: number) => ({
      'stripe-signature': sign(payload, WEBHOOK_SECRET, billing.clock.now() - seconds * 1_000),
    })
    await refused(await billing.deliver(payload, at(301)))
    expect(billing.events()).toEqual([])
    expect((await billing.deliver(payload, at(300))).status).toBe(200)
  })
})

describe('A delivery is refused with 400 and nothing stored', () => {
  test('when one byte was tampered with', async () => {
    await using billing = await createTestBilling()
    const payload = eventOf()
    const header = { 'stripe-signature': sign(payload, WEBHOOK_SECRET, billing.clock.now()) }
    await refused(
      await billing.deliver(payload.replace('"livemode":false', '"livemode":falsE'), header),
    )
    await refused(await billing.deliver(`${payload} `, header))
    expect(billing.events()).toEqual([])
  })

  test('when it is signed with a wrong or a retired secret', async () => {
    await using billing = await createTestBilling()
    const payload = eventOf()
    for (const secret of ['whsec_wrong', 'whsec_retired', `${WEBHOOK_SECRET} `]) {
      const header = { 'stripe-signature': sign(payload, secret, billing.clock.now()) }
      await refused(await billing.deliver(payload, header))
    }
    expect(billing.events()).toEqual([])
  })

  test('when its signature is missing, empty or garbage', async () => {
    await using billing = await createTestBilling()
    const payload = eventOf()
    const now = Math.floor(billing.clock.now() / 1_000)
    await refused(await billing.send('POST', '/v1/webhook/stripe', { body: payload }))
    for (const garbage of [
      '',
      'x',
      't=,v1=',
      `t=${now}`,
      `t=${now},v0=00`,
      'v1=00',
      `t=NaN,v1=00`,
    ]) {
      await refused(await billing.deliver(payload, { 'stripe-signature': garbage }))
    }
    expect(billing.events()).toEqual([])
  })

  test('when it is signed but is no JSON, no event, empty, or without a time', async () => {
    await using billing = await createTestBilling()
    for (const payload of ['not json', '[]', '1', 'null', '{}', '{"id":"evt_1"}', '""']) {
      await refused(await billing.deliver(payload))
    }
    for (const created of [1e300, 1e15, 1.5, null, '1']) {
      await refused(await billing.deliver(eventOf({ created })))
    }
    await refused(await billing.send('POST', '/v1/webhook/stripe'))
    expect(billing.events()).toEqual([])
  })

  test('when it is a thin event', async () => {
    await using billing = await createTestBilling()
    const thin = {
      id: 'evt_thin',
      object: 'v2.core.event',
      type: 'v1.billing.meter.x',
      created: 'now',
    }
    await refused(await billing.deliver(JSON.stringify(thin)))
    expect(billing.events()).toEqual([])
  })
})

test('A delivery of 600 KB is 413 and nothing is stored', async () => {
  await using billing = await createTestBilling()
  const answer = await billing.deliver(eventOf({}, { padding: 'x'.repeat(600_000) }))
  expect(answer.status).toBe(413)
  const fits = await billing.deliver(eventOf({}, { padding: 'x'.repeat(500_000) }))
  expect(fits.status).toBe(200)
  expect(billing.events()).toHaveLength(1)
})

describe('A delivery is recorded as ignored', () => {
  const states = async (
    values: Record<string, unknown>,
    customer: (known: string) => string | null = (known) => known,
  ) => {
    await using billing = await createTestBilling({ work: false, deliver: false })
    const { customerId } = await unsynced(billing)
    const object = { object: 'subscription', customer: customer(customerId) }
    expect((await billing.deliver(eventOf(values, object))).status).toBe(200)
    return [billing.events().map(({ state }) => state), billing.syncs().length]
  }

  test('when its type does not concern subscriptions', async () => {
    expect(await states({ type: 'payout.paid' })).toEqual([['ignored'], 0])
    expect(await states({ type: 'a.type.of.tomorrow' })).toEqual([['ignored'], 0])
  })

  test('when it is of the other mode', async () => {
    expect(await states({ livemode: true })).toEqual([['ignored'], 0])
  })

  test('when its customer is unknown or missing', async () => {
    expect(await states({}, () => 'cus_of_somebody')).toEqual([['ignored'], 0])
    expect(await states({}, () => null)).toEqual([['ignored'], 0])
  })

  test('and is queued otherwise', async () => {
    expect(await states({})).toEqual([['queued'], 1])
  })
})

test('While the database cannot write, a delivery is 503, so that Stripe sends it again', async () => {
  await using billing = await createTestBilling()
  billing.database.sqlite.run('PRAGMA query_only = ON')
  const answer = await billing.deliver(eventOf())
  billing.database.sqlite.run('PRAGMA query_only = OFF')
  expect(answer.status).toBe(503)
  expect(answer.headers.get('retry-after')).toBe('5')
})

test('Refunds and disputes are audited for the operator', async () => {
  await using billing = await createTestBilling()
  const { userId, customerId } = await billing.subscriber()
  const refund = {
    object: 'charge',
    id: 'ch_1',
    customer: customerId,
    amount_refunded: 900,
    currency: 'eur',
  }
  await billing.deliver(eventOf({ type: 'charge.refunded' }, refund))
  const dispute = {
    object: 'dispute',
    id: 'dp_1',
    charge: 'ch_1',
    amount: 900,
    currency: 'eur',
    reason: 'fraudulent',
  }
  await billing.deliver(eventOf({ type: 'charge.dispute.created' }, dispute))
  const [refunded] = billing.audits('billing.charge.refunded')
  expect(refunded).toMatchObject({ userId, actor: 'system' })
  expect(JSON.parse(refunded?.detail ?? '{}')).toMatchObject({
    objectId: 'ch_1',
    amount: 900,
    currency: 'eur',
  })
  const [disputed] = billing.audits('billing.charge.dispute.created')
  expect(JSON.parse(disputed?.detail ?? '{}')).toMatchObject({
    charge: 'ch_1',
    reason: 'fraudulent',
  })
})

/** A known customer, and no worker that would sync it. */
async function unsynced(billing: Awaited<ReturnType<typeof createTestBilling>>) {
  const user = await billing.signIn()
  await billing.send('POST', '/v1/subscribe/pro', user)
  return { ...user, customerId: billing.customerOf(user.userId) ?? '' }
}
