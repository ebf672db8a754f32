import { describe, expect, test } from 'bun:test'
import { createConnectionGuard } from '#src/lib/open-files.ts'
import { Problem } from '#src/lib/problem.ts'
import { SECOND } from '#src/lib/time.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { createWorld } from '#test/e2e/world.ts'
import { createFakeClock, turns } from '#test/support/fake-clock.ts'
import { openSocket, type RawSocket, statusesOf } from '#test/support/raw-socket.ts'
import { fromSource } from '#test/support/server.ts'
import { createTestApp, json } from '#test/support/test-app.ts'
import { follow, gatedChat } from '#test/support/test-stream.ts'

const FEW_FILES = 200
const USERS = 20

describe('Event streams of a user', () => {
  test('are ten: a further one is refused, and the ten go on', async () => {
    const { send, signIn, services } = createTestApp()
    const [one, two] = [await signIn(), await signIn()]
    const rooms = await Promise.all(
      [one, one, two].map(async (who) => (await json<Room>(send('POST', '/v1/chatroom', who))).id),
    )
    // Over all rooms of a user together.
    const streams = await Promise.all(
      Array.from({ length: 10 }, (_, at) => follow({ send }, one.token, rooms[at % 2] ?? '')),
    )
    const eleventh = await send('GET', `/v1/chatroom/${rooms[0]}/events`, one)
    expect(eleventh.status).toBe(429)
    expect(Object.fromEntries(eleventh.headers)).toMatchObject({
      'retry-after': '15',
      'ratelimit-policy': '"streams";q=10;qu="concurrent-requests"',
      // So that refused clients hold no connection either.
      connection: 'close',
    })
    expect(services.eventHub.size).toBe(10)
    const other = await follow({ send }, two.token, rooms[2] ?? '')
    await streams[3]?.leave()
    const again = await follow({ send }, one.token, rooms[1] ?? '')
    expect((await send('GET', `/v1/chatroom/${rooms[0]}/events`, one)).status).toBe(429)
    for (const stream of [...streams, other, again]) await stream.leave()
    await turns(2)
    expect(services.eventHub.size).toBe(0)
  })

  test('are as many as the setting says', async () => {
    const { send, signIn } = createTestApp({ streamsPerUser: 1 })
    const one = await signIn()
    const { id } = await json<Room>(send('POST', '/v1/chatroom', one))
    const stream = await follow({ send }, one.token, id)
    expect((await send('GET', `/v1/chatroom/${id}/events`, one)).status).toBe(429)
    await stream.leave()
    const next = await follow({ send }, one.token, id)
    await next.leave()
  })
})

test('a stream that is not read is sent its text in one piece, whatever came meanwhile', async () => {
  const { gate, chat, token, roomId } = await gatedChat()
  const answer = await chat.app.handle(
    new Request(`http://localhost/v1/chatroom/${roomId}/events`, {
      headers: { authorization: `Bearer ${token}` },
    }),
  )
  const { reply } = await chat.prompt(token, roomId, 'Hi')
  for (let at = 0; at < 200; at++) gate.send('piece ')
  gate.end()
  await chat.final(token, roomId, reply.id)
  const reader = answer.body?.getReader()
  let text = ''
  while (!text.includes('event: done')) {
    text += new TextDecoder().decode((await reader?.read())?.value)
  }
  // At most one that was under way when the reader fell behind, and one of all the rest.
  expect(text.split('\nevent: delta\n').length - 1).toBeLessThanOrEqual(2)
  await reader?.cancel()
  await chat.stop()
})

describe('Where few file descriptors are left', () => {
  test('streams and waits are refused with 503, and everything short is answered', async () => {
    const clock = createFakeClock()
    let left = 1_000
    let counts = 0
    const guard = createConnectionGuard({
      clock,
      limit: 1_024,
      left() {
        counts++
        return left
      },
    })
    const refused = () => {
      try {
        guard.admit()
        return undefined
      } catch (error) {
        if (error instanceof Problem) return [error.status, error.slug, error.headers]
        throw error
      }
    }
    // 128 are kept. Those admitted since the last count are counted along.
    const admitted = Array.from({ length: 872 }, () => guard.admit())
    const problem = [503, 'no-connections-left', { 'retry-after': '5', connection: 'close' }]
    expect(refused()).toEqual(problem)
    admitted[0]?.()
    expect([refused(), refused()]).toEqual([undefined, problem])
    expect(counts).toBe(1)
    left = 500
    await clock.advance(SECOND)
    expect([refused(), counts]).toEqual([undefined, 2])
    left = 128
    clock.set(clock.now() - 60 * SECOND)
    expect([refused(), counts]).toEqual([problem, 3])
  })

  test('a low limit keeps a quarter, and an unknown one refuses nothing', () => {
    const clock = createFakeClock()
    const low = createConnectionGuard({ clock, limit: 64, left: () => 17 })
    low.admit()
    expect(() => low.admit()).toThrow(Problem)
    const unknown = createConnectionGuard({
      clock,
      limit: Number.POSITIVE_INFINITY,
      left: () => 0,
    })
    for (let at = 0; at < 10; at++) unknown.admit()
  })

  test('/livez and /readyz still answer on new connections, and streams open again afterwards', async () => {
    const limited = ['sh', '-c', `ulimit -n ${FEW_FILES}; exec "$@"`, 'sh', ...fromSource]
    await using world = await createWorld(
      { command: limited },
      { settings: { OTP_PER_IP_HOUR: '1000', AUTH_PER_IP_MINUTE: '1000' } },
    )
    const server = await world.start()
    const streams: RawSocket[] = []
    const seen = new Map<number, number>()
    let last = { token: '', path: '' }
    for (let user = 0; user < USERS; user++) {
      const token = await world.signIn()
      const room = await world.call<Room>('POST', '/v1/chatroom', { token, body: {} })
      last = { token, path: `/v1/chatroom/${room.body.id}/events` }
      for (let at = 0; at < 11; at++) {
        const socket = await openSocket(server.url)
        socket.send(
          `GET ${last.path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        )
        streams.push(socket)
        const status = await statusOf(socket)
        seen.set(status, (seen.get(status) ?? 0) + 1)
      }
    }
    expect([...seen.keys()].sort()).toEqual([200, 429, 503])
    expect(seen.get(200)).toBeLessThan((FEW_FILES * 3) / 4)
    for (const path of ['/livez', '/readyz']) {
      const { status } = await fetch(`${server.url}${path}`, { keepalive: false })
      expect([path, status]).toEqual([path, 200])
    }
    for (const stream of streams) stream.end()
    const again = async () => {
      const abort = new AbortController()
      const { status } = await fetch(`${server.url}${last.path}`, {
        headers: { authorization: `Bearer ${last.token}` },
        signal: abort.signal,
      })
      abort.abort()
      return status
    }
    while ((await again()) !== 200) await turns(1)
  }, 60_000)
})

async function statusOf(socket: RawSocket): Promise<number> {
  while (socket.received() === 0) await turns(1)
  const [status = 0] = statusesOf(socket.text())
  // The server closes what it refuses.
  if (status !== 200) await socket.ended
  return status
}
