import { expect, test } from 'bun:test'
import { DAY } from '#src/lib/time.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { createTestApp, json, type ProblemJson } from '#test/support/test-app.ts'

async function setUp() {
  const app = createTestApp()
  const { token, userId } = await app.signIn()
  const room = await json<Room>(app.send('POST', '/v1/chatroom', { token }))
  const prompt = (at = 0, headers: Record<string, string> = {}) =>
    app.send('POST', `/v1/chatroom/${room.id}/message`, {
      token,
      body: { userPrompt: `prompt ${at}` },
      headers,
    })
  const used = async () =>
    (await json<{ quota: { used: number } }>(app.send('GET', '/v1/user/me', { token }))).quota.used
  return { ...app, token, userId, room, prompt, used }
}

test('50 parallel prompts at a quota of 5: 5 are taken, 45 refused', async () => {
  const { prompt, used, database } = await setUp()
  const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => prompt(at)))
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 202)).toHaveLength(5)
  expect(statuses.filter((status) => status === 429)).toHaveLength(45)
  expect(await used()).toBe(5)
  expect(database.sqlite.query("SELECT id FROM messages WHERE role = 'user'").all()).toHaveLength(5)
})

test('the last instant of a day and the first of the next are two days', async () => {
  const { prompt, clock, used } = await setUp()
  const midnight = Math.ceil(clock.now() / DAY) * DAY
  clock.set(midnight - 1)
  // Within the life of the token: it was made at noon.
  expect((await prompt()).status).toBe(401)
  const app = await setUp()
  app.clock.set(midnight - 1)
  const token = await app.services.tokens.sign({ userId: app.userId, sessionId: sessionOf(app) })
  const send = (at: number) =>
    app.send('POST', `/v1/chatroom/${app.room.id}/message`, {
      token,
      body: { userPrompt: `p ${at}` },
    })
  for (let at = 0; at < 5; at++) expect((await send(at)).status).toBe(202)
  expect((await send(5)).headers.get('retry-after')).toBe('1')
  app.clock.set(midnight)
  expect((await send(6)).status).toBe(202)
  expect(used).toBeFunction()
})

function sessionOf({ database }: Pick<ReturnType<typeof createTestApp>, 'database'>): string {
  return database.sqlite.query<{ id: string }, []>('SELECT id FROM sessions').get()?.id ?? ''
}

test('a cancelled prompt is given back once, however often it is cancelled', async () => {
  const { prompt, send, token, room, used } = await setUp()
  const { reply } = await json<{ reply: { id: string } }>(prompt())
  expect(await used()).toBe(1)
  const path = `/v1/chatroom/${room.id}/message/${reply.id}/cancel`
  const answers = await Promise.all(Array.from({ length: 20 }, () => send('POST', path, { token })))
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(1)
  expect(await used()).toBe(0)
})

test('the same Idempotency-Key 50 times at once is one prompt and one payment', async () => {
  const { prompt, used } = await setUp()
  const headers = { 'idempotency-key': 'one' }
  const answers = await Promise.all(Array.from({ length: 50 }, () => prompt(0, headers)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  const ids = await Promise.all(answers.map((answer) => json<{ prompt: { id: string } }>(answer)))
  expect(new Set(ids.map(({ prompt: { id } }) => id)).size).toBe(1)
  expect(await used()).toBe(1)
})

test('a user opens 2 000 rooms a day at most; a repetition of one is none', async () => {
  const { send, token, database } = await setUp()
  const open = (key: string) =>
    send('POST', '/v1/chatroom', { token, headers: { 'idempotency-key': key } })
  expect((await open('first')).status).toBe(201)
  database.sqlite.run("UPDATE rate_limits SET count = 1999 WHERE key LIKE 'rooms:%'")
  expect((await open('second')).status).toBe(201)
  const refused = await open('third')
  expect(refused.status).toBe(429)
  expect(refused.headers.get('ratelimit-policy')).toBe('"rooms";q=2000;w=86400')
  expect((await open('first')).status).toBe(201)
})

test('somebody else’s Idempotency-Key replays nothing of theirs', async () => {
  const { send, prompt, signIn } = await setUp()
  const headers = { 'idempotency-key': 'shared' }
  const { prompt: theirs } = await json<{ prompt: { id: string } }>(prompt(0, headers))
  const other = await signIn()
  const answer = await send('POST', '/v1/chatroom', { token: other.token, headers })
  expect(answer.status).toBe(201)
  expect(answer.headers.get('idempotent-replayed')).toBeNull()
  expect(await answer.text()).not.toContain(theirs.id)
})

test('an Idempotency-Key that is empty, too long or not ASCII is 422', async () => {
  const { prompt } = await setUp()
  for (const key of ['', 'x'.repeat(256), 'é']) {
    const answer = await prompt(0, { 'idempotency-key': key })
    expect([key, answer.status]).toEqual([key, 422])
    expect((await json<ProblemJson>(answer)).errors?.[0]?.pointer).toContain('Idempotency-Key')
  }
})
