import { describe, expect, test } from 'bun:test'
import { eq } from 'drizzle-orm'
import { billingCustomers, jobs, subscriptions, users } from '#drizzle/schema.ts'
import { command } from '#src/database/steps.ts'
import { MINUTE } from '#src/lib/time.ts'
import { closeAccount } from '#src/modules/billing/commands.ts'
import type { CheckoutPage } from '#src/modules/billing/model.ts'
import { removeUser } from '#src/modules/users/statements.ts'
import { STAND_IN_PRICE } from '#standins/stripe/server.ts'
import { json } from '#test/support/test-app.ts'
import { createTestBilling, eventOf, type TestBilling } from '#test/support/test-billing.ts'

/** As the account's deletion does it: billing's part and the row of the user in one transaction. */
async function deleteAccount(billing: TestBilling, userId: string): Promise<void> {
  const remove = command('test.delete-account', function* (tx, id: string) {
    yield* closeAccount.steps(tx, { userId: id, now: billing.clock.now() })
    yield* tx.run(removeUser, { userId: id })
  })
  await billing.database.run(remove, userId)
}

describe('When an account is deleted', () => {
  test('its subscription is cancelled at once and its open page expires', async () => {
    await using billing = await createTestBilling()
    const [payer, looker] = [await billing.subscriber(), await billing.shopper()]
    await deleteAccount(billing, payer.userId)
    await deleteAccount(billing, looker.userId)
    await billing.idle()
    expect(billing.state.subscription(payer.subscriptionId).status).toBe('canceled')
    expect([...billing.state.sessions.values()].map(({ status }) => status)).toEqual([
      'complete',
      'expired',
    ])
  })

  test('what accounting needs stays, without a reference to the user', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    await deleteAccount(billing, user.userId)
    await billing.idle()
    const { orm } = billing.database
    expect(orm.select().from(billingCustomers).all()).toMatchObject([
      { id: user.customerId, userId: null },
    ])
    expect(orm.select().from(subscriptions).all()).toMatchObject([
      { id: user.subscriptionId, status: 'canceled' },
    ])
  })

  test('while Stripe is down, it is cancelled when Stripe is back', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.stripe.behave(() => ({ kind: 'status', status: 503 }))
    await deleteAccount(billing, user.userId)
    for (const _ of [1, 2, 3]) await billing.later(6 * MINUTE)
    expect(billing.state.subscription(user.subscriptionId).status).toBe('active')
    billing.stripe.behave(() => ({ kind: 'answer' }))
    await billing.later(6 * MINUTE)
    expect(billing.state.subscription(user.subscriptionId).status).toBe('canceled')
  })

  test('an event that comes after it changes nothing', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    await deleteAccount(billing, user.userId)
    const payload = eventOf({}, { object: 'subscription', customer: user.customerId })
    expect((await billing.deliver(payload)).status).toBe(200)
    await billing.idle()
    expect(billing.state.subscription(user.subscriptionId).status).toBe('canceled')
  })

  test('during a sync, the sync succeeds and a subscription without a user is cancelled', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    const late = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    billing.stripe.behave(({ path }) => {
      if (path !== '/v1/subscriptions') return { kind: 'answer' }
      return { kind: 'late', until: late.promise, made: asked.resolve }
    })
    const { id } = billing.state.subscribe(user.customerId, STAND_IN_PRICE.id)
    await asked.promise
    // Deletes the user without closeAccount, as if the customer had been stored too late for it.
    billing.database.orm.delete(users).where(eq(users.id, user.userId)).run()
    late.resolve()
    await billing.idle()
    expect(billing.state.subscription(id).status).toBe('canceled')
  })

  test('a subscription that was paid in the last moment is cancelled too', async () => {
    await using billing = await createTestBilling()
    const user = await billing.signIn()
    const { url } = await json<CheckoutPage>(billing.send('POST', '/v1/subscribe/pro', user))
    billing.stripe.behave(({ path }) => {
      // It is paid between our read and our try to expire it.
      if (path.endsWith('/expire')) billing.state.pay(url.split('/').at(-1) ?? '')
      return { kind: 'answer' }
    })
    await deleteAccount(billing, user.userId)
    await billing.idle()
    expect([...billing.state.subscriptions.values()].map(({ status }) => status)).toEqual([
      'canceled',
    ])
  })

  test('only subscriptions that can still be charged are cancelled at Stripe', async () => {
    await using billing = await createTestBilling()
    const user = await billing.subscriber()
    billing.state.setStatus(user.subscriptionId, 'canceled')
    billing.state.subscribe(user.customerId, STAND_IN_PRICE.id, 'incomplete_expired')
    const running = billing.state.subscribe(user.customerId, STAND_IN_PRICE.id, 'past_due')
    await billing.idle()
    await deleteAccount(billing, user.userId)
    await billing.idle()
    const asked = billing.calls('DELETE', /^\/v1\/subscriptions\//)
    expect(asked.map(({ path }) => path)).toEqual([`/v1/subscriptions/${running.id}`])
  })

  test('a page or a subscription that ended between our read and our call is no fault', async () => {
    await using billing = await createTestBilling()
    const [payer, looker] = [await billing.subscriber(), await billing.shopper()]
    const page = [...billing.state.sessions.values()].find(({ status }) => status === 'open')
    billing.stripe.behave(({ method, path }) => {
      // The session is expired when we ask, and the subscription is cancelled.
      if (path.endsWith('/expire') && page?.status === 'open') billing.state.expire(page.id)
      if (method === 'DELETE') billing.state.setStatus(payer.subscriptionId, 'canceled')
      return { kind: 'answer' }
    })
    await deleteAccount(billing, payer.userId)
    await deleteAccount(billing, looker.userId)
    await billing.idle()
    const closed = billing.database.orm
      .select()
      .from(jobs)
      .where(eq(jobs.kind, 'billing.close'))
      .all()
    expect(closed.map(({ state }) => state)).toEqual(['done', 'done'])
  })

  test('a page that Stripe deletes between our read and our call is no fault', async () => {
    await using billing = await createTestBilling()
    const user = await billing.shopper()
    billing.stripe.behave(({ path }) => {
      if (path.endsWith('/expire')) billing.state.sessions.clear()
      return { kind: 'answer' }
    })
    await deleteAccount(billing, user.userId)
    await billing.idle()
    const closed = billing.database.orm
      .select()
      .from(jobs)
      .where(eq(jobs.kind, 'billing.close'))
      .all()
    expect(closed.map(({ state }) => state)).toEqual(['done'])
  })
})
