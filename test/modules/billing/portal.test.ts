import { describe, expect, test } from 'bun:test'
import { sessions, stripeAttempts, users } from '#drizzle/schema.ts'
import { SECOND } from '#src/lib/time.ts'
import { json, type TestUser } from '#test/support/test-app.ts'
import { createTestBilling, type TestBilling } from '#test/support/test-billing.ts'

describe('The portal', () => {
  const portal = async (billing: TestBilling, user: TestUser) => {
    const { url } = await json<{ url: string }>(
      billing.send('POST', '/v1/subscription/portal', await billing.fresh(user)),
    )
    return url
  }

  test('its page is reused for 30 seconds, then another is made', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const first = await portal(billing, user)
    billing.clock.set(billing.clock.now() + 30 * SECOND - 1)
    expect(await portal(billing, user)).toBe(first)
    expect(billing.state.portals.size).toBe(1)
    billing.clock.set(billing.clock.now() + 1)
    expect(await portal(billing, user)).not.toBe(first)
    expect(billing.state.portals.size).toBe(2)
  })

  test('its page is reused after a restart, and only for the same user', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    const other = await billing.subscriber()
    const first = await portal(billing, user)
    const second = billing.secondProcess()
    const { url } = await json<{ url: string }>(second('/v1/subscription/portal', user))
    expect(url).toBe(first)
    expect(await portal(billing, other)).not.toBe(first)
  })

  test('its page is deleted with the account', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    await portal(billing, user)
    await billing.services.users.erase(user.userId)
    const rows = billing.database.sqlite.query('SELECT portal_url FROM billing_customers').all()
    expect(rows).toEqual([{ portal_url: null }])
  })

  test('deleting the account while its page is made leaves no page behind', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.stripe.behave(({ path }) => {
      if (path === '/v1/billing_portal/sessions') billing.database.orm.delete(users).run()
      return { kind: 'answer' }
    })
    await billing.send('POST', '/v1/subscription/portal', user)
    expect(billing.database.orm.select().from(sessions).all()).toEqual([])
    expect(billing.database.orm.select().from(stripeAttempts).all()).toEqual([])
    const rows = billing.database.sqlite.query('SELECT user_id, portal_url FROM billing_customers')
    expect(rows.all()).toEqual([{ user_id: null, portal_url: null }])
  })
})
