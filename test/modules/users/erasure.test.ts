import { expect, test } from 'bun:test'
import { users } from '#drizzle/schema.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { eraseSome, ROWS_AT_ONCE } from '#src/modules/users/erasure.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { createWorker } from '#src/queue/worker.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

/** Prompts, each with two versions of its reply. */
const PROMPTS = 60
const TABLES = ['chatrooms', 'messages', 'messages_fts', 'sessions', 'refresh_tokens', 'erasures']

async function setUp() {
  const app = createTestApp()
  const { sqlite } = app.database
  const one = await app.signIn()
  const rooms: string[] = []
  for (let at = 0; at < 3; at++) {
    rooms.push((await json<Room>(app.send('POST', '/v1/chatroom', { token: one.token }))).id)
  }
  const [large = ''] = rooms
  const insert = sqlite.query(`
    INSERT INTO messages (id, chatroom_id, position, final_revision, owner, role, content, status, reply_to, version, created_at, completed_at)
    VALUES (?1, ?2, ?3, ?3, 'x', ?4, 'hello', 'complete', ?5, ?6, 0, 0)`)
  for (let at = 0; at < PROMPTS; at++) {
    insert.run(`p${at}`, large, 3 * at + 1, 'user', null, 1)
    insert.run(`r${at}`, large, 3 * at + 2, 'assistant', `p${at}`, 1)
    insert.run(`s${at}`, large, 3 * at + 3, 'assistant', `p${at}`, 2)
  }
  sqlite.run(
    'UPDATE chatrooms SET revision = ?2, user_messages = ?3, assistant_messages = ?4 WHERE id = ?1',
    [large, 3 * PROMPTS, PROMPTS, 2 * PROMPTS],
  )
  sqlite.run('INSERT INTO messages_fts (rowid, words) SELECT key, content FROM messages')
  for (let at = 0; at < 2 * ROWS_AT_ONCE; at++) {
    sqlite.run('INSERT INTO refresh_tokens (hash, session_id, created_at) VALUES (?1, ?2, 0)', [
      `t${at}`,
      one.sessionId,
    ])
  }
  const count = (table: string) =>
    sqlite.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0
  async function work(): Promise<void> {
    const { database, clock, random, services, log } = app
    const worker = createWorker({ database, queue: services.queue, clock, random, log })
    await worker.start({ alone: true })
    const isOver = () =>
      !sqlite.query("SELECT 1 FROM jobs WHERE kind = 'users.erase' AND ended_at IS NULL").get()
    while (!isOver()) await app.clock.advance(10)
    await worker.stop(0)
  }
  return { ...app, sqlite, one, rooms, large, count, work }
}

test('a large account cannot be used or found at once, and a job erases it in small commits', async () => {
  const { send, one, sqlite, count, work, database } = await setUp()
  const { phone } = await json<{ phone: string }>(send('GET', '/v1/user/me', one))
  await send('PATCH', '/v1/user/me', { ...one, body: { name: 'Ada' } })
  sqlite.run("UPDATE sessions SET device = 'Firefox', ip = '203.0.113.7'")
  sqlite.run("UPDATE users SET number_digest = 'a digest', tier_override = 'pro'")
  const path = '/v1/user/me/deletion-code'
  const { otp } = await json<CodeSent>(send('POST', path, one))
  expect((await send('DELETE', '/v1/user/me', { ...one, body: { otp } })).status).toBe(202)

  expect((await send('GET', '/v1/user/me', one)).status).toBe(401)
  const [row] = database.orm.select().from(users).all()
  expect(row).toMatchObject({
    phone: null,
    numberDigest: null,
    name: null,
    passwordHash: null,
    tierOverride: null,
  })
  const session = { device: null, ip: null, ended_at: expect.any(Number) }
  expect(sqlite.query('SELECT device, ip, ended_at FROM sessions').all()).toEqual([session])
  expect(count('otp_challenges')).toBe(0)
  expect(count('messages')).toBe(3 * PROMPTS - ROWS_AT_ONCE)
  // The number is free: whoever has it now begins anew.
  expect((await send('POST', '/v1/auth/signup', { body: { phone } })).status).toBe(202)
  await work()
  for (const table of TABLES) expect([table, count(table)]).toEqual([table, 0])
  expect(database.orm.select().from(users).all()).toMatchObject([{ phone }])
})

test('an account that is being erased cannot be deleted again', async () => {
  const { services, one, count } = await setUp()
  expect(await services.users.erase(one.userId)).toBe(true)
  expect(await services.users.erase(one.userId)).toBe(false)
  expect(count("audit_log WHERE event = 'account.deleted'")).toBe(1)
})

test('a prompt in flight while its large account is deleted is refused', async () => {
  const { services, one, large, count } = await setUp()
  await services.users.erase(one.userId)
  expect(count('chatrooms')).toBeGreaterThan(0)
  const late = services.messages.accept(one.userId, large, 'late', {
    claim: undefined,
    trace: null,
  })
  expect(await late.catch((error: { status: number }) => error.status)).toBe(404)
  expect(count("jobs WHERE kind <> 'users.erase'")).toBe(0)
})

test('each commit erases a few rows and continues where the previous one stopped', async () => {
  const { one, count, database, services } = await setUp()
  await services.users.erase(one.userId)
  const held = () => count('messages') + count('chatrooms') + count('refresh_tokens')
  let before = held()
  for (let isGone = false; !isGone; before = held()) {
    isGone = await database.run(eraseSome, { id: one.userId, kind: 'user' })
    expect(before - held()).toBeGreaterThan(0)
    expect(before - held()).toBeLessThanOrEqual(ROWS_AT_ONCE)
  }
  expect(held()).toBe(0)
})

test('an erasure whose job failed for good is resumed within the hour by exactly one job', async () => {
  const { services, one, sqlite, count, work } = await setUp()
  await services.users.erase(one.userId)
  sqlite.run(
    "UPDATE jobs SET state = 'failed', ended_at = 1, last_error = 'worker-lost' WHERE kind = 'users.erase'",
  )
  const task = services.maintenance.find(({ name }) => name === 'go on with erasures')
  for (let at = 0; at < 2; at++) expect(await task?.run(AbortSignal.any([]))).toBe(1)
  expect(count("jobs WHERE kind = 'users.erase' AND ended_at IS NULL")).toBe(1)
  await work()
  for (const table of TABLES) expect([table, count(table)]).toEqual([table, 0])
  expect(await task?.run(AbortSignal.any([]))).toBe(0)
})

test('a large room disappears for its owner at once, a job erases it, and the other rooms stay', async () => {
  const { send, one, rooms, large, count, work, database } = await setUp()
  const path = `/v1/chatroom/${large}`
  expect((await send('DELETE', path, one)).status).toBe(204)
  expect((await send('GET', path, one)).status).toBe(404)
  expect((await send('GET', `${path}/message/all`, one)).status).toBe(404)
  expect((await send('GET', `${path}/events`, one)).status).toBe(404)
  expect((await send('DELETE', path, one)).status).toBe(404)
  const found = await json<{ items: unknown[] }>(send('GET', '/v1/search?q=hello', one))
  expect(found.items).toEqual([])
  expect(count('messages')).toBe(3 * PROMPTS)
  await work()
  expect(count('messages')).toBe(0)
  const { items } = await json<{ items: Room[] }>(send('GET', '/v1/chatroom', one))
  expect(items.map(({ id }) => id).sort()).toEqual(rooms.slice(1).sort())
  expect(
    database.orm
      .select()
      .from(users)
      .all()
      .map(({ id }) => id),
  ).toEqual([one.userId])
})
