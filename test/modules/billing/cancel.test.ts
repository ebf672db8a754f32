import { describe, expect, test } from 'bun:test'
import { DAY } from '#src/lib/time.ts'
import { cancelling } from '#standins/stripe/api.ts'
import { createTestBilling } from '#test/support/test-billing.ts'

describe('Cancel and resume', () => {
  test('after cancel the user stays Pro until the period ends; resume undoes it; both may be repeated', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    for (const action of ['cancel', 'cancel']) {
      const answer = await billing.send('POST', `/v1/subscription/${action}`, user)
      expect(await answer.json()).toMatchObject({
        tier: 'pro',
        status: 'active',
        cancelAtPeriodEnd: true,
      })
    }
    for (const action of ['resume', 'resume']) {
      const answer = await billing.send('POST', `/v1/subscription/${action}`, user)
      expect(await answer.json()).toMatchObject({ tier: 'pro', cancelAtPeriodEnd: false })
    }
    expect(billing.calls('POST', /^\/v1\/subscriptions\//)).toHaveLength(2)
  })

  test('a cancelled subscription ends with its period', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    await billing.send('POST', '/v1/subscription/cancel', user)
    billing.clock.set(billing.clock.now() + 30 * DAY)
    billing.state.renew(user.subscriptionId, true)
    await billing.idle()
    expect(await billing.tier(user)).toBe('basic')
    const answer = await billing.send('POST', '/v1/subscription/resume', await billing.fresh(user))
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ type: '/problems/not-subscribed' })
  })

  test('an end set as an instant, as the portal does, is shown and can be undone', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const one = billing.state.subscription(user.subscriptionId)
    billing.state.change(one.id, { ...cancelling(one, true), cancel_at_period_end: false })
    await billing.idle()
    expect((await billing.status(user)).cancelAtPeriodEnd).toBe(true)
    await billing.send('POST', '/v1/subscription/resume', user)
    expect(billing.state.subscription(one.id).cancel_at).toBeNull()
    expect((await billing.status(user)).cancelAtPeriodEnd).toBe(false)
  })

  test('a user without a subscription gets 409', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    for (const action of ['cancel', 'resume', 'portal']) {
      const answer = await billing.send('POST', `/v1/subscription/${action}`, user)
      expect([action, answer.status]).toEqual([action, 409])
    }
  })
})
