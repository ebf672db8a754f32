import { describe, expect, test } from 'bun:test'
import { auditLog, jobs } from '#drizzle/schema.ts'
import { sign } from '#standins/stripe/deliveries.ts'
import { createTestBilling, eventOf, type TestBilling } from '#test/support/test-billing.ts'

/** Sends a body that tells whether it was read. */
function deliver(billing: TestBilling, headers: Record<string, string>) {
  let isRead = false
  const body = new ReadableStream(
    {
      pull(controller) {
        isRead = true
        controller.enqueue(new TextEncoder().encode(eventOf()))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const request = new Request('http://localhost/v1/webhook/stripe', {
    method: 'POST',
    headers,
    body,
  })
  return billing.app.handle(request).then(({ status }) => ({ status, isRead }))
}

describe('The body of a delivery is not read', () => {
  const now = (billing: TestBilling) => Math.floor(billing.clock.now() / 1_000)
  const seal = 'a'.repeat(64)
  const headers: [string, (at: number) => Record<string, string>][] = [
    ['without a signature', () => ({})],
    ['with an empty one', () => ({ 'stripe-signature': '' })],
    ['with one of another form', () => ({ 'stripe-signature': 'sha256=abc' })],
    ['without a time', () => ({ 'stripe-signature': `v1=${seal}` })],
    ['without a seal', (at) => ({ 'stripe-signature': `t=${at}` })],
    ['with a short seal', (at) => ({ 'stripe-signature': `t=${at},v1=abc` })],
    ['with an old scheme only', (at) => ({ 'stripe-signature': `t=${at},v0=${seal}` })],
    ['with a time that is none', () => ({ 'stripe-signature': `t=NaN,v1=${seal}` })],
    ['with a time 301 s ago', (at) => ({ 'stripe-signature': `t=${at - 301},v1=${seal}` })],
    [
      'with thousands of seals',
      (at) => ({ 'stripe-signature': `t=${at},${`v1=${seal},`.repeat(100)}` }),
    ],
  ]
  test.each(headers)('%s', async (_, headersAt) => {
    await using billing = await createTestBilling()
    const answer = await deliver(billing, headersAt(now(billing)))
    expect(answer).toEqual({ status: 400, isRead: false })
  })

  test('and the control: with a seal that could be right it is', async () => {
    await using billing = await createTestBilling()
    const header = { 'stripe-signature': `t=${now(billing)},v1=${seal}` }
    expect(await deliver(billing, header)).toEqual({ status: 400, isRead: true })
  })
})

test('200 forged deliveries leave nothing behind and ask Stripe nothing', async () => {
  await using billing = await createTestBilling()
  const { customerId } = await billing.shopper()
  const rows = () => [
    billing.events().length,
    billing.database.orm.select().from(jobs).all().length,
    billing.database.orm.select().from(auditLog).all().length,
  ]
  const before = rows()
  const calls = billing.stripe.calls.length
  const payload = eventOf({}, { object: 'subscription', customer: customerId })
  const forged = { 'stripe-signature': sign(payload, 'whsec_forged', billing.clock.now()) }
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => billing.deliver(payload, forged)),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
  expect(rows()).toEqual(before)
  expect(billing.stripe.calls).toHaveLength(calls)
})
