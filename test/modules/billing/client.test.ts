import { describe, expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import type { TestUser } from '#test/support/test-app.ts'
import { createTestBilling } from '#test/support/test-billing.ts'

describe('Stripe’s own 429', () => {
  test('stops every call, also those of other users, until its Retry-After is over', async () => {
    await using billing = await createTestBilling()
    const [one, two] = [await billing.subscriber(), await billing.subscriber()]
    billing.stripe.behave(() => ({ kind: 'status', status: 429, retryAfter: 7 }))
    const sync = async (user: TestUser) =>
      billing.send('POST', '/v1/subscription/sync', await billing.fresh(user))
    const calls = billing.stripe.calls.length
    expect((await sync(one)).status).toBe(503)
    const refused = await sync(two)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('7')
    expect(billing.stripe.calls.length - calls).toBe(1)
    billing.stripe.behave(() => ({ kind: 'answer' }))
    billing.clock.set(billing.clock.now() + 7 * SECOND - 1)
    expect((await sync(two)).headers.get('retry-after')).toBe('1')
    expect(billing.stripe.calls.length - calls).toBe(1)
    billing.clock.set(billing.clock.now() + 1)
    expect((await sync(two)).status).toBe(200)
  })

  test('without a Retry-After pauses for one second, then twice as long each time up to a minute, until a call succeeds', async () => {
    await using billing = await createTestBilling({ settings: { billingPerUserMinute: 1_000 } })
    const user = await billing.subscriber()
    billing.stripe.behave(() => ({ kind: 'status', status: 429 }))
    const wait = async () => {
      const answer = await billing.send('POST', '/v1/subscription/sync', await billing.fresh(user))
      const seconds = Number(answer.headers.get('retry-after'))
      billing.clock.set(billing.clock.now() + seconds * SECOND)
      return seconds
    }
    const waits: number[] = []
    for (let at = 0; at < 8; at++) waits.push(await wait())
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
    billing.stripe.behave(() => ({ kind: 'answer' }))
    await wait()
    billing.stripe.behave(() => ({ kind: 'status', status: 429 }))
    expect(await wait()).toBe(1)
  })

  test('with a Retry-After of a day stops calls for a minute only', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.stripe.behave(() => ({ kind: 'status', status: 429, retryAfter: 86_400 }))
    const sync = async () =>
      billing.send('POST', '/v1/subscription/sync', await billing.fresh(user))
    expect((await sync()).headers.get('retry-after')).toBe('60')
    billing.stripe.behave(() => ({ kind: 'answer' }))
    billing.clock.set(billing.clock.now() + 60 * SECOND)
    expect((await sync()).status).toBe(200)
  })

  test('for one locked object stops no other call', async () => {
    await using billing = await createTestBilling()
    const [one, two] = [await billing.subscriber(), await billing.subscriber()]
    billing.stripe.behave(({ path }) =>
      path.includes(one.customerId)
        ? { kind: 'error', status: 429, code: 'lock_timeout', message: 'This object is locked.' }
        : { kind: 'answer' },
    )
    expect((await billing.send('POST', '/v1/subscription/sync', one)).status).toBe(503)
    expect((await billing.send('POST', '/v1/subscription/sync', two)).status).toBe(200)
  })
})

test('A 503 that asks to wait for a day is passed on as five minutes', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  billing.stripe.behave(() => ({ kind: 'status', status: 503, retryAfter: 86_400 }))
  const answer = await billing.send('POST', '/v1/subscription/sync', user)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '300'])
})
