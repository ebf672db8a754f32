import { describe, expect, test } from 'bun:test'
import pino from 'pino'
import { jobs } from '#drizzle/schema.ts'
import { HOUR, SECOND } from '#src/lib/time.ts'
import type { StripeBehaviour } from '#standins/stripe/behaviour.ts'
import { STAND_IN_PRICE } from '#standins/stripe/server.ts'
import { createTestBilling, eventOf, type TestBilling } from '#test/support/test-billing.ts'

describe('When Stripe fails in a sync, nobody is downgraded', () => {
  const failing = async (behaviour: StripeBehaviour) => {
    // Short only in the case that waits for it, so that a busy machine does not time out the others.
    const settings = behaviour.kind === 'hang' ? { stripeTimeoutMs: 500 } : {}
    const billing = await createTestBilling({ settings })
    const user = await billing.subscriber()
    billing.stripe.behave(() => behaviour)
    billing.state.setStatus(user.subscriptionId, 'canceled')
    return { billing, user }
  }
  /** Waits until the worker has snoozed the job. */
  const putOff = async (billing: TestBilling) => {
    const deadline = performance.now() + 3_000
    while (
      !billing.syncs().some(({ state, dueAt }) => state === 'ready' && dueAt > billing.clock.now())
    ) {
      if (performance.now() > deadline) throw new Error(JSON.stringify(billing.syncs()))
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    return billing.syncs().at(-1)
  }

  test.each([
    ['429', { kind: 'status', status: 429, retryAfter: 7 }],
    ['500', { kind: 'status', status: 500 }],
    ['a time-out', { kind: 'hang' }],
    ['a lost answer', { kind: 'lose' }],
    ['401', { kind: 'status', status: 401 }],
  ] as const)(
    '%s: the sync waits without counting an error, and is done when Stripe is back',
    async (name, behaviour) => {
      const { billing, user } = await failing(behaviour)
      await using _ = billing
      const job = await putOff(billing)
      expect([name, job?.errors]).toEqual([name, 0])
      if (name === '500') expect(job?.dueAt).toBe(billing.clock.now() + SECOND)
      if (name === '429') expect(job?.dueAt).toBe(billing.clock.now() + 7 * SECOND)
      expect(await billing.tier(user)).toBe('pro')
      billing.stripe.behave(() => ({ kind: 'answer' }))
      await billing.later(10 * 60 * SECOND)
      expect(await billing.tier(user)).toBe('basic')
    },
  )

  test('an outage of three days: Pro for 72 hours past the period, and each prompt asks for a sync', async () => {
    await using billing = await createTestBilling({ work: false })
    const user = await billing.shopper()
    billing.state.subscribe(user.customerId, STAND_IN_PRICE.id)
    await billing.send('POST', '/v1/subscription/sync', user)
    const end = Date.parse((await billing.status(user)).currentPeriodEnd ?? '')
    billing.database.orm.delete(jobs).run()
    const prompt = (at: number) => {
      billing.clock.set(at)
      const { command } = billing.services.billing.tier
      return billing.database.run(command, { userId: user.userId, now: at })
    }
    expect(await prompt(end)).toBe('pro')
    expect(billing.syncs()).toEqual([])
    expect(await prompt(end + 72 * HOUR - 1)).toBe('pro')
    expect(billing.syncs()).toHaveLength(1)
    expect(await prompt(end + 72 * HOUR)).toBe('basic')
    expect(billing.syncs()).toHaveLength(1)
  })

  test('a refused key is an alarm in the log, without the key', async () => {
    const lines: string[] = []
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) })
    await using billing = await createTestBilling({ log })
    const user = await billing.subscriber()
    billing.stripe.behave(() => ({ kind: 'status', status: 401 }))
    await billing.deliver(eventOf({}, { object: 'subscription', customer: user.customerId }))
    await putOff(billing)
    expect(lines.map((line) => JSON.parse(line).alarm)).toEqual(['stripe-key'])
    expect(lines.join()).not.toContain('sk_test_1')
  })

  test('in live mode a customer that Stripe does not know downgrades nobody', async () => {
    await using billing = await createTestBilling({ livemode: true })
    const user = await billing.subscriber()
    billing.state.customers.delete(user.customerId)
    await billing.deliver(
      eventOf({ livemode: true }, { object: 'subscription', customer: user.customerId }),
    )
    await putOff(billing)
    expect(await billing.tier(user)).toBe('pro')
  })
})
