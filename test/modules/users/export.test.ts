import { Database as Sqlite } from 'bun:sqlite'
import { expect, spyOn, test } from 'bun:test'
import { createTestApp } from '#test/support/test-app.ts'

/** More rooms than a page has, of more and of fewer messages than a page has. */
const ROOMS = 130
/** More checkouts and subscriptions of a customer than a page has. */
const PAYMENTS = 70

async function setUp() {
  const app = createTestApp()
  const one = await app.signIn()
  const { sqlite } = app.database
  const room = sqlite.query(`
    INSERT INTO chatrooms (id, user_id, title, title_folded, title_by, active_at, created_at, updated_at)
    VALUES (?1, ?2, 't', 't', 'none', ?3, 0, 0)`)
  const message = sqlite.query(`
    INSERT INTO messages (id, chatroom_id, position, final_revision, owner, role, content, status, created_at, completed_at)
    VALUES (?1, ?2, ?3, ?3, 'x', 'user', 'hello', 'complete', 0, 0)`)
  const entry = sqlite.query(
    "INSERT INTO audit_log (at, event, user_id, actor) VALUES (?1, 'login.succeeded', ?2, 'user')",
  )
  const other = await app.signIn()
  const customer = sqlite.query(
    'INSERT INTO billing_customers (id, user_id, livemode, created_at, gone_at) VALUES (?1, ?2, 0, 0, ?3)',
  )
  customer.run('cus_gone', one.userId, 1)
  customer.run('cus_1', one.userId, null)
  customer.run('cus_other', other.userId, null)
  const checkout = sqlite.query(`
    INSERT INTO checkout_sessions (id, customer_id, url, status, created_at, expires_at)
    VALUES (?1, ?2, 'https://pay.example/1', 'expired', ?3, 1)`)
  const subscription = sqlite.query(`
    INSERT INTO subscriptions (id, customer_id, status, cancel_at_period_end, paused, created_at, synced_at)
    VALUES (?1, ?2, ?3, 0, 0, 0, 0)`)
  for (let at = 0; at < PAYMENTS; at++) {
    for (const id of ['cus_1', 'cus_other']) {
      checkout.run(`cs_${at}_${id}`, id, Math.floor(at / 60))
      subscription.run(`sub_${at}_${id}`, id, at % 2 ? 'canceled' : 'incomplete_expired')
    }
  }
  const ids: string[] = []
  for (let at = 0; at < ROOMS; at++) {
    // Many at one instant, as after a restore: the id decides then.
    room.run(`room-${at}`, one.userId, Math.floor(at / 60))
    entry.run(Math.floor(at / 60), one.userId)
    for (let position = 1; position <= (at % 40 === 0 ? 120 : at % 3); position++) {
      ids.push(`m-${at}-${position}`)
      message.run(`m-${at}-${position}`, `room-${at}`, position)
    }
  }
  return { ...app, one, ids }
}

test('every room, message and audit entry is exported exactly once across all pages', async () => {
  const { send, one, ids } = await setUp()
  const text = await (await send('GET', '/v1/user/me/export', one)).text()
  const lines = text
    .trim()
    .split('\n')
    .map((line): { type: string; id: string; chatroomId?: string } => JSON.parse(line))
  const of = (type: string) => lines.filter((line) => line.type === type)
  expect(
    of('message')
      .map(({ id }) => id)
      .sort(),
  ).toEqual(ids.toSorted())
  expect(new Set(of('chatroom').map(({ id }) => id)).size).toBe(ROOMS)
  expect(of('chatroom')).toHaveLength(ROOMS)
  // Its own beginning is written down too.
  expect(of('audit')).toHaveLength(ROOMS + 1)
})

test('the user’s Stripe customers are exported with all their data, and no other user’s', async () => {
  const { send, one } = await setUp()
  const text = await (await send('GET', '/v1/user/me/export', one)).text()
  expect(text).not.toContain('cus_other')
  const exported = text
    .trim()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter(({ type }) => ['customer', 'checkout', 'subscription'].includes(String(type)))
  const customer = { type: 'customer', livemode: false, createdAt: '1970-01-01T00:00:00.000Z' }
  expect(exported).toContainEqual({
    ...customer,
    id: 'cus_gone',
    goneAt: '1970-01-01T00:00:00.001Z',
  })
  expect(exported[0]).toEqual({ ...customer, id: 'cus_1', goneAt: null })
  expect(exported).toContainEqual({
    type: 'checkout',
    id: 'cs_0_cus_1',
    customerId: 'cus_1',
    url: 'https://pay.example/1',
    status: 'expired',
    createdAt: '1970-01-01T00:00:00.000Z',
    expiresAt: '1970-01-01T00:00:00.001Z',
  })
  expect(new Set(exported.map(({ id }) => id)).size).toBe(2 + 2 * PAYMENTS)
  expect(exported).toHaveLength(2 + 2 * PAYMENTS)
})

test('a HEAD request is neither counted nor audited', async () => {
  const { send, one, database } = await setUp()
  for (let at = 0; at < 11; at++) {
    const answer = await send('HEAD', '/v1/user/me/export', one)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'application/x-ndjson; charset=utf-8',
    ])
  }
  expect(
    database.sqlite.query("SELECT 1 FROM audit_log WHERE event = 'account.exported'").all(),
  ).toEqual([])
  expect((await send('GET', '/v1/user/me/export', one)).status).toBe(200)
})

test('no page sorts rows or scans those of earlier pages', async () => {
  const asked = spyOn(Sqlite.prototype, 'prepare')
  const { send, one, database } = await setUp()
  asked.mockClear()
  await (await send('GET', '/v1/user/me/export', one)).text()
  const statements = asked.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes('LIMIT'))
  asked.mockRestore()
  const plans = [...new Set(statements)].flatMap((sql) =>
    database.sqlite
      .prepare<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql.replaceAll('?', "''")}`)
      .all()
      .map(({ detail }) => detail),
  )
  expect(plans.filter((detail) => /TEMP B-TREE|^SCAN/.test(detail))).toEqual([])
  expect(plans).toContainEqual(
    expect.stringContaining('messages_in_order (chatroom_id=? AND position>?)'),
  )
  expect(plans).toContainEqual(
    expect.stringContaining('chatrooms_of_user (user_id=? AND (active_at,id)>(?,?))'),
  )
  for (const walk of [
    'billing_customers_by_user (user_id=? AND id>?)',
    'subscriptions_of_customer (customer_id=? AND status>?)',
    'checkout_sessions_of_customer (customer_id=? AND created_at>?)',
  ]) {
    expect(plans).toContainEqual(expect.stringContaining(walk))
  }
})
