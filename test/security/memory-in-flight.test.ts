import { describe, expect, test } from 'bun:test'
import { createInFlight } from '#src/lib/in-flight.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Message } from '#src/modules/messages/model.ts'
import { call } from '#test/support/client.ts'
import { turns } from '#test/support/fake-clock.ts'
import { startListening } from '#test/support/listening.ts'
import { createLongRoom, insertMessages } from '#test/support/messages.ts'
import { openSocket } from '#test/support/raw-socket.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

const MIB = 1024 * 1024
/** More than the buffers of two sockets on this machine take. */
const UNREAD_CHARACTERS = 24 * MIB

interface Page {
  items: Message[]
}

describe('Requests of a user that are in flight', () => {
  test('are bounded by their number, and answered again when one has ended', async () => {
    const { one, signIn, path, send, fill, clock } = await createLongRoom({ requestsPerUser: 8 })
    fill(['hello'])
    const { reply } = await json<{ reply: Message }>(
      send('POST', `${path}/message`, { ...one, body: { userPrompt: 'hi' } }),
    )
    await turns(1)
    const wait = () => send('GET', `${path}/message/${reply.id}?wait=25`, one)
    const waits = Array.from({ length: 8 }, wait)
    await turns(1)
    const refused = await wait()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(refused.headers.get('ratelimit-policy')).toBe('"requests";q=8;qu="concurrent-requests"')
    expect((await json<{ type: string }>(refused)).type).toBe('/problems/too-many-at-once')
    // Only this user's.
    expect((await send('GET', '/v1/user/me', await signIn())).status).toBe(200)
    await clock.advance(26_000)
    for (const answer of await Promise.all(waits)) expect(answer.status).toBe(200)
    expect((await send('GET', '/v1/user/me', one)).status).toBe(200)
  })

  test.each([
    ['GET', '', 200, undefined],
    ['HEAD', '/message/all', 200, undefined],
    ['GET', '/message', 200, undefined],
    ['GET', '/message/nothing', 404, undefined],
    ['GET', '/message/all?cursor=x', 400, undefined],
    ['GET', '/message/all?limit=0', 422, undefined],
    ['GET', '/message/all?limit=1&limit=2', 422, undefined],
    ['GET', '/message/nothing?wait=25', 404, undefined],
    ['PATCH', '', 422, { title: 1 }],
    ['PATCH', '', 400, '{'],
    ['PATCH', '', 413, 'x'.repeat(70_000)],
    ['PATCH', '', 200, { title: 'a' }],
    ['DELETE', '/nothing', 404, undefined],
    ['POST', '/message/nothing/cancel', 404, undefined],
    ['DELETE', '', 204, undefined],
  ] as const)('are counted down when %s …%s ends with %i', async (method, below, status, body) => {
    const { one, path, get, app, send } = await createLongRoom({ requestsPerUser: 8 })
    for (let at = 0; at < 20; at++) {
      // Without a tick between two of them, as where many requests arrive at once.
      const answer = await send(method, `${path}${below}`, { ...one, body })
      const isGone = method === 'DELETE' && below === '' && at > 0
      expect([at, answer.status]).toEqual([at, isGone ? 404 : status])
    }
    expect((await get(one, '/v1/user/me')).status).toBe(200)
    expect((await app.handle(new Request('http://localhost/livez'))).status).toBe(200)
  })

  test('weigh what their answers leave unread, until it is read or the reader has gone', async () => {
    const { one, get, path, fill } = await createLongRoom({ requestsPerUser: 19 })
    fill(Array.from({ length: 40 }, () => 'x'.repeat(32_000)))
    const ask = () => get(one, `${path}/message/all?limit=100`)
    // Each holds four units of 64 KB, so that the fifth would be the twentieth.
    const unread = [await ask(), await ask(), await ask(), await ask()]
    expect(unread.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const refused = await ask()
    expect(refused.status).toBe(429)
    await unread[0]?.text()
    const next = await ask()
    expect(next.status).toBe(200)
    expect((await ask()).status).toBe(429)
    await unread[1]?.body?.cancel()
    expect((await ask()).status).toBe(200)
  })

  test('let one answer through that alone is more than they may leave unread', async () => {
    const { one, get, path, fill } = await createLongRoom({ requestsPerUser: 8 })
    fill(['x'.repeat(2 * MIB)])
    await turns(1)
    const answer = await get(one, `${path}/message/all`)
    expect((await json<Page>(answer)).items[0]?.content).toHaveLength(2 * MIB)
    expect((await get(one, '/v1/user/me')).status).toBe(200)
  })
})

test('one export of a user runs at a time, and the next may follow it', async () => {
  const { one, get, signIn } = await createLongRoom()
  const first = await get(one, '/v1/user/me/export')
  const second = await get(one, '/v1/user/me/export')
  expect([first.status, second.status]).toEqual([200, 429])
  expect(second.headers.get('ratelimit-policy')).toBe('"exports";q=1;qu="concurrent-requests"')
  expect((await get(await signIn(), '/v1/user/me/export')).status).toBe(200)
  await first.text()
  const third = await get(one, '/v1/user/me/export')
  expect(third.status).toBe(200)
  await third.body?.cancel()
  expect((await get(one, '/v1/user/me/export')).status).toBe(200)
})

test('slow readers of a public document share its bytes and are bounded by network', async () => {
  const { app } = createTestApp({ requestsPerUser: 8 })
  const get = (headers: Record<string, string> = {}) =>
    app.handle(new Request('http://localhost/swagger/swagger-ui.js', { headers }))
  const unread: Response[] = []
  for (let at = 0; at < 8; at++) unread.push(await get())
  expect(unread.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
  const refused = await get()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
  expect((await app.handle(new Request('http://localhost/livez'))).status).toBe(200)
  const etag = unread[0]?.headers.get('etag') ?? ''
  expect((await get({ 'if-none-match': etag })).status).toBe(304)
  expect((await unread[0]?.bytes())?.length).toBeGreaterThan(MIB)
  expect((await get()).status).toBe(200)

  const shared = new Uint8Array(MIB)
  const pieces = createInFlight({ name: 'test', most: 8 }).enter('a').send(shared, true)
  for await (const piece of pieces) expect(piece.buffer).toBe(shared.buffer)
})

test('over the wire: who reads nothing is bounded, is cut off, and gives back what was held', async () => {
  await using here = await startListening({
    idleTimeoutSeconds: 4,
    settings: { requestsPerUser: 8 },
  })
  const token = await here.signIn()
  const { body: room } = await call<Room>(here.url, 'POST', '/v1/chatroom', { token, body: {} })
  const database = here.database()
  insertMessages(database, room.id, ['x'.repeat(UNREAD_CHARACTERS)])
  database.close()
  const path = `/v1/chatroom/${room.id}/message/all`
  const unread = await openSocket(here.url)
  unread.pause()
  unread.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  const status = async () => (await call(here.url, 'GET', '/v1/user/me', { token })).status
  const until = async (expected: number) => {
    while ((await status()) !== expected) await Bun.sleep(20)
  }
  await until(429)
  // Nothing but time passes until the idle time-out cuts the reader off.
  await until(200)
  unread.resume()
  await unread.ended
  expect(unread.received()).toBeLessThan(UNREAD_CHARACTERS)

  const closed = await openSocket(here.url)
  closed.pause()
  closed.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await until(429)
  closed.end()
  await until(200)
}, 60_000)
