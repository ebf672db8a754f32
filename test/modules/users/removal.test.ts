import { describe, expect, test } from 'bun:test'
import { auditLog, chatrooms, messages, users } from '#drizzle/schema.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { createTestApp, json, type ProblemJson } from '#test/support/test-app.ts'

async function setUp() {
  const app = createTestApp()
  const one = await app.signIn()
  const room = await json<Room>(app.send('POST', '/v1/chatroom', { token: one.token }))
  const remove = (body: unknown) => app.send('DELETE', '/v1/user/me', { token: one.token, body })
  const code = async () =>
    (await json<CodeSent>(app.send('POST', '/v1/user/me/deletion-code', { token: one.token }))).otp
  return { ...app, one, room, remove, code }
}

describe('DELETE /v1/user/me', () => {
  test('requires a valid proof', async () => {
    const { remove, code, send, one } = await setUp()
    expect((await remove({})).status).toBe(422)
    const otp = (await code()) ?? ''
    const wrong = String((Number(otp) + 1) % 1_000_000).padStart(6, '0')
    const refused = await remove({ otp: wrong })
    expect(refused.status).toBe(403)
    expect((await json<ProblemJson>(refused)).type).toBe('/problems/wrong-otp')
    expect((await remove({ password: 'whatever it is' })).status).toBe(403)
    expect((await send('GET', '/v1/user/me', one)).status).toBe(200)
  })

  test('erases everything, ends the session, cancels the jobs and frees the number', async () => {
    const { remove, code, send, one, room, database, signIn } = await setUp()
    const other = await signIn()
    const path = `/v1/chatroom/${room.id}/message`
    const body = { userPrompt: 'hello' }
    expect((await send('POST', path, { token: one.token, body })).status).toBe(202)
    const me = await json<{ phone: string }>(send('GET', '/v1/user/me', one))
    expect((await remove({ otp: await code() })).status).toBe(202)
    expect((await send('GET', '/v1/user/me', one)).status).toBe(401)
    expect((await remove({ otp: '000000' })).status).toBe(401)
    expect(database.orm.select().from(chatrooms).all()).toEqual([])
    expect(database.orm.select().from(messages).all()).toEqual([])
    expect(
      database.orm
        .select()
        .from(users)
        .all()
        .map(({ id }) => id),
    ).toEqual([other.userId])
    const jobs = database.sqlite
      .query<{ state: string }, []>("SELECT state FROM jobs WHERE kind = 'message.reply'")
      .all()
    expect(jobs).toEqual([{ state: 'cancelled' }])
    const { phone } = me
    expect((await send('POST', '/v1/auth/signup', { body: { phone } })).status).toBe(202)
    const { otp } = await json<CodeSent>(send('POST', '/v1/auth/send-otp', { body: { phone } }))
    const fresh = await json<{ user: { id: string } }>(
      send('POST', '/v1/auth/verify-otp', { body: { phone, otp } }),
    )
    expect(fresh.user.id).not.toBe(one.userId)
  })

  test('sends one code for one Idempotency-Key, however often the request is repeated', async () => {
    const { send, one, remove } = await setUp()
    const ask = (key: string) =>
      send('POST', '/v1/user/me/deletion-code', { ...one, headers: { 'idempotency-key': key } })
    const first = await ask('k')
    const again = await ask('k')
    expect([first.status, again.status]).toEqual([202, 202])
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    const { otp } = await json<CodeSent>(first)
    expect(await json<CodeSent>(again)).toMatchObject({ otp })
    expect((await ask('another')).status).toBe(429)
    expect((await ask('é')).status).toBe(422)
    expect((await remove({ otp })).status).toBe(202)
  })

  test('a code for another account or purpose is refused', async () => {
    const { remove, send, one, signIn, code } = await setUp()
    const two = await signIn()
    const otp = await code()
    const crossed = await send('DELETE', '/v1/user/me', { token: two.token, body: { otp } })
    expect(crossed.status).toBe(403)
    const { phone } = await json<{ phone: string }>(send('GET', '/v1/user/me', one))
    const login = await json<CodeSent>(send('POST', '/v1/auth/send-otp', { body: { phone } }))
    expect((await remove({ otp: login.otp })).status).toBe(403)
  })
})

describe('GET /v1/user/me/export', () => {
  test('exports everything of the caller and nothing of others, one object per line', async () => {
    const { send, one, room, signIn, database } = await setUp()
    const two = await signIn()
    await send('POST', '/v1/chatroom', { token: two.token, body: { title: 'not yours' } })
    const path = `/v1/chatroom/${room.id}/message`
    for (const userPrompt of ['one', 'two']) {
      await send('POST', path, { token: one.token, body: { userPrompt } })
    }
    const answer = await send('GET', '/v1/user/me/export', one)
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
    const text = await answer.text()
    const lines = text
      .trim()
      .split('\n')
      .map((line): { type: string; id?: string } => JSON.parse(line))
    const types = lines.map(({ type }) => type)
    expect(types).toEqual([
      ...['user', 'session', 'chatroom', 'message', 'message', 'message', 'message', 'quota'],
      ...(types.includes('audit') ? ['audit'] : []),
    ])
    expect(lines[0]).toMatchObject({ type: 'user', id: one.userId, hasPassword: false })
    expect(text).not.toContain('not yours')
    expect(text).not.toContain(two.userId)
    const events = database.orm.select().from(auditLog).all()
    expect(events.map(({ event }) => event)).toContain('account.exported')
  })

  test('exports a thousand messages once each and in order, page by page', async () => {
    const { send, one, room, database } = await setUp()
    const insert = database.sqlite.query(`
      INSERT INTO messages (id, chatroom_id, position, final_revision, owner, role, content, status, created_at, completed_at)
      VALUES (?1, ?2, ?3, ?3, 'x', 'user', ?4, 'complete', 0, 0)`)
    for (let at = 1; at <= 1_000; at++) insert.run(`m${at}`, room.id, at, `text ${at}`)
    const text = await (await send('GET', '/v1/user/me/export', one)).text()
    const lines = text
      .trim()
      .split('\n')
      .map((line): { type: string; id: string } => JSON.parse(line))
    const ids = lines.filter(({ type }) => type === 'message').map(({ id }) => id)
    expect(ids).toEqual(Array.from({ length: 1_000 }, (_, at) => `m${at + 1}`))
  })

  test('is limited to ten a day', async () => {
    const { send, one } = await setUp()
    for (let at = 0; at < 10; at++) {
      const answer = await send('GET', '/v1/user/me/export', one)
      expect(answer.status).toBe(200)
      await answer.text()
    }
    const refused = await send('GET', '/v1/user/me/export', one)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('86400')
  })
})
