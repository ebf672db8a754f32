import { describe, expect, test } from 'bun:test'
import {
  isLive,
  isTerminal,
  toSessionStatus,
  toSubscriptionNow,
} from '#src/modules/billing/mirror.ts'
import { toPrice } from '#standins/stripe/objects.ts'
import { STAND_IN_PRICE } from '#standins/stripe/server.ts'
import { newItem, newSubscription } from '#standins/stripe/subscription.ts'

const pro = toPrice(STAND_IN_PRICE, false)
const other = toPrice({ ...STAND_IN_PRICE, id: 'price_other', interval: 'year' }, false)
const one = () => newSubscription({ customer: 'cus_1', price: other, status: 'active', now: 1_000 })
const read = (subscription = one(), items = subscription.items.data) =>
  toSubscriptionNow(subscription, items, [pro.id])

describe('A subscription in our terms', () => {
  test('has its period and price from the item that makes Pro, at any place in the list', () => {
    const items = [newItem('sub', other, 1_000), newItem('sub', pro, 2_000)]
    expect(read(one(), items)).toMatchObject({
      priceId: pro.id,
      periodStart: 2_000_000,
      periodEnd: (2_000 + 30 * 86_400) * 1_000,
      createdAt: 1_000_000,
    })
    expect(read()).toMatchObject({ priceId: 'price_other', periodStart: 1_000_000 })
    expect(read(one(), [])).toMatchObject({ priceId: null, periodStart: null, periodEnd: null })
  })

  test('ends with the period by the flag or by an instant', () => {
    expect(read().cancelAtPeriodEnd).toBe(false)
    expect(read({ ...one(), cancel_at_period_end: true }).cancelAtPeriodEnd).toBe(true)
    expect(read({ ...one(), cancel_at: 9_000 }).cancelAtPeriodEnd).toBe(true)
  })

  test('is paused where its collection is paused', () => {
    expect(read().paused).toBe(false)
    const pause_collection = { behavior: 'void', resumes_at: null } as const
    expect(read({ ...one(), pause_collection }).paused).toBe(true)
  })
})

test.each([
  ['active', true, false],
  ['trialing', true, false],
  ['past_due', true, false],
  ['unpaid', true, false],
  ['paused', true, false],
  ['incomplete', false, false],
  ['incomplete_expired', false, true],
  ['canceled', false, true],
  ['a_state_of_tomorrow', false, false],
])('%s: live %p, terminal %p', (status, live, terminal) => {
  expect(isLive({ status, priceId: pro.id }, [pro.id])).toBe(live)
  expect(isLive({ status, priceId: 'price_other' }, [pro.id])).toBe(false)
  expect(isLive({ status, priceId: null }, [pro.id])).toBe(false)
  expect(isTerminal(status)).toBe(terminal)
})

test('a checkout is open, complete, or expired', () => {
  expect((['open', 'complete', 'expired', null] as const).map(toSessionStatus)).toEqual([
    'open',
    'complete',
    'expired',
    'expired',
  ])
})
