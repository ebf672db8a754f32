import { expect, test } from 'bun:test'
import { billingCustomers } from '#drizzle/schema.ts'
import { createTestBilling } from '#test/support/test-billing.ts'

test('A user has one customer that is not deleted in each mode, also when two processes store one', async () => {
  await using billing = await createTestBilling()
  const user = await billing.shopper()
  const { orm } = billing.database
  const values = { userId: user.userId, createdAt: 0 }
  const insert = (id: string, livemode: boolean, goneAt: number | null = null) =>
    orm
      .insert(billingCustomers)
      .values({ ...values, id, livemode, goneAt })
      .run()
  expect(() => insert('cus_second', false)).toThrow(/UNIQUE/)
  insert('cus_gone', false, 1)
  insert('cus_live', true)
  expect(billing.database.orm.select().from(billingCustomers).all()).toHaveLength(3)
})

test('Two processes that make a customer at once keep the first, and sell to it', async () => {
  await using billing = await createTestBilling({ deliver: false })
  const user = await billing.signIn()
  const { orm } = billing.database
  billing.stripe.behave(({ method, path }) => {
    if (method === 'POST' && path === '/v1/customers') {
      // The other process stores its customer first.
      const { id } = billing.state.newCustomer()
      orm
        .insert(billingCustomers)
        .values({ id, userId: user.userId, livemode: false, createdAt: billing.clock.now() })
        .run()
    }
    return { kind: 'answer' }
  })
  expect((await billing.send('POST', '/v1/subscribe/pro', user)).status).toBe(200)
  const [kept, ...more] = orm.select().from(billingCustomers).all()
  expect(more).toEqual([])
  expect([...billing.state.sessions.values()].map(({ customer }) => customer)).toEqual([
    kept?.id ?? '',
  ])
})

test('A customer of the other mode is ignored: Stripe is not asked about it', async () => {
  await using billing = await createTestBilling()
  const user = await billing.signIn()
  billing.database.orm
    .insert(billingCustomers)
    .values({ id: 'cus_live', userId: user.userId, livemode: true, createdAt: 0 })
    .run()
  for (const action of ['portal', 'cancel', 'resume']) {
    expect((await billing.send('POST', `/v1/subscription/${action}`, user)).status).toBe(409)
  }
  expect((await billing.send('POST', '/v1/subscription/sync', user)).status).toBe(200)
  expect(billing.stripe.calls).toEqual([])
})
