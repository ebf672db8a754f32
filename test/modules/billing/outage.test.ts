import { describe, expect, test } from 'bun:test'
import { HOUR, SECOND } from '#src/lib/time.ts'
import type { StripeBehaviour } from '#src/standins/stripe/behaviour.ts'
import { createTestBilling, eventOf, type TestBilling } from '#test/support/test-billing.ts'

describe('When Stripe fails in a sync, nobody is downgraded', () => {
  const failing = async (behaviour: StripeBehaviour) => {
    // Short only where it is waited for: a busy machine must not time out the rest.
    const settings = behaviour.kind === 'hang' ? { stripeTimeoutMs: 500 } : {}
    const billing = await createTestBilling({ settings })
    const user = await billing.subscriber()
    billing.stripe.behave(() => behaviour)
    billing.books.setStatus(user.subscriptionId, 'canceled')
    return { billing, user }
  }
  /** Until the worker has put the job off. */
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
      if (name === '429') expect(job?.dueAt).toBe(billing.clock.now() + 7 * SECOND)
      expect(billing.tier(user)).toBe('pro')
      billing.stripe.behave(() => ({ kind: 'answer' }))
      await billing.later(10 * 60 * SECOND)
      expect(billing.tier(user)).toBe('basic')
    },
  )

  test('an outage of three days: Pro for 72 hours past the period, and a sync was asked for', async () => {
    await using billing = await createTestBilling({ work: true })
    const user = await billing.subscriber()
    billing.stripe.behave(() => ({ kind: 'status', status: 503 }))
    const end = Date.parse((await billing.status(user)).currentPeriodEnd ?? '')
    billing.clock.set(end + 72 * HOUR - 1)
    const { quotas } = billing.services
    expect(quotas.tierOf(user.userId)).toBe('pro')
    billing.clock.set(end + 72 * HOUR)
    expect(quotas.tierOf(user.userId)).toBe('basic')
  })

  test('in live mode a customer that Stripe does not know downgrades nobody', async () => {
    await using billing = await createTestBilling({ livemode: true })
    const user = await billing.subscriber()
    billing.books.customers.delete(user.customerId)
    await billing.deliver(
      eventOf({ livemode: true }, { object: 'subscription', customer: user.customerId }),
    )
    await putOff(billing)
    expect(billing.tier(user)).toBe('pro')
  })
})
