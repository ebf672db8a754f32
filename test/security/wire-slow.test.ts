import { expect, test } from 'bun:test'
import { createLog } from '#src/lib/log.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { encodeCursor } from '#src/modules/events/cursor.ts'
import { call } from '#test/support/client.ts'
import { startListening } from '#test/support/listening.ts'
import { openSocket, statusesOf } from '#test/support/raw-socket.ts'

/** The lowest that Bun keeps to: its timers tick every four seconds. */
const IDLE_SECONDS = 4
/** Bun gives a header ten seconds, whatever is set; the idle time-out comes first for everything else. */
const DEADLINE_MS = 40_000
const STRIPE = {
  stripeSecretKey: 'sk_test_wire',
  stripeWebhookSecrets: ['whsec_wire'],
  stripeProPrices: ['price_wire'],
  // Nobody is there: the deliveries below never get so far.
  stripeApiBase: 'http://127.0.0.1:1',
}
const MESSAGES = 200
const CHARACTERS = 32_000

test(
  'who sends or reads slowly is cut off, however steadily it drips, and holds up nobody',
  async () => {
    const faults: string[] = []
    const log = createLog('error', { to: { write: (line) => faults.push(line) } })
    await using here = await startListening({
      idleTimeoutSeconds: IDLE_SECONDS,
      settings: STRIPE,
      log,
    })
    const token = await here.signIn()
    const headers = `Host: a\r\nAuthorization: Bearer ${token}\r\n`
    const { body: room } = await call<Room>(here.url, 'POST', '/v1/chatroom', { token, body: {} })
    fill(here.database(), room.id)
    const path = `/v1/chatroom/${room.id}`
    const told = encodeCursor(room.id, {
      revision: 0,
      position: 0,
      attempt: 0,
      offset: 0,
      quota: '',
    })
    // In the form of a signature: another is refused before the body is read.
    const signature = `t=${Math.floor(Date.now() / 1_000)},v1=${'0'.repeat(64)}`
    const webhook = `POST /v1/webhook/stripe HTTP/1.1\r\nHost: a\r\nStripe-Signature: ${signature}\r\n`
    const head = 'POST /v1/chatroom HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'

    const senders = {
      'half a header': await drip(here.url, 'GET /livez HTTP/1.1\r\n'),
      'a dripping header': await drip(here.url, 'GET /livez HTTP/1.1\r\n', 'X: a\r\n'),
      'half a body': await drip(here.url, `${head}Content-Length: 60000\r\n\r\n{"`),
      'a dripping body': await drip(here.url, `${head}Content-Length: 60000\r\n\r\n{"`, 'x'),
      'dripping chunks': await drip(
        here.url,
        `${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{"\r\n`,
        '1\r\nx\r\n',
      ),
      'half a webhook': await drip(here.url, `${webhook}Content-Length: 60000\r\n\r\n{"`),
      'dripping chunks of a webhook': await drip(
        here.url,
        `${webhook}Transfer-Encoding: chunked\r\n\r\n`,
        '1\r\nx\r\n',
      ),
      'nothing after an answer': await drip(here.url, 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'),
    }
    const readers = {
      'a page': await unread(
        here.url,
        `GET ${path}/message/all?limit=100 HTTP/1.1\r\n${headers}\r\n`,
      ),
      'an export': await unread(here.url, `GET /v1/user/me/export HTTP/1.1\r\n${headers}\r\n`),
      'a stream': await unread(
        here.url,
        `GET ${path}/events HTTP/1.1\r\n${headers}Last-Event-ID: ${told}\r\n\r\n`,
      ),
    }
    const beside = await call(here.url, 'GET', '/v1/user/me', { token })
    expect(beside.status).toBe(200)

    const statuses = await Promise.all(
      Object.entries(senders).map(async ([name, { ended }]) => [name, statusesOf(await ended)]),
    )
    expect(Object.fromEntries(statuses)).toEqual({
      'half a header': [],
      'a dripping header': [],
      'half a body': [],
      'a dripping body': [],
      'dripping chunks': [],
      'half a webhook': [],
      'dripping chunks of a webhook': [],
      'nothing after an answer': [200],
    })
    // The last of them went after more than twice the idle time-out: whoever did not read is gone as well.
    for (const [name, socket] of Object.entries(readers)) {
      socket.resume()
      const text = await socket.ended
      expect([name, statusesOf(text)]).toEqual([name, [200]])
      expect([name, socket.received() < MESSAGES * CHARACTERS]).toEqual([name, true])
    }
    // Somebody who goes away is no fault of ours, and must not fill the log with them.
    expect(faults).toEqual([])
  },
  DEADLINE_MS,
)

/** Sends the beginning, then `more` again and again until the other side has had enough. */
async function drip(url: string, beginning: string, more?: string) {
  const socket = await openSocket(url)
  socket.send(beginning)
  if (more === undefined) return socket
  const timer = setInterval(() => socket.send(more), 250)
  void socket.ended.then(() => clearInterval(timer))
  return socket
}

async function unread(url: string, request: string) {
  const socket = await openSocket(url)
  socket.pause()
  socket.send(request)
  return socket
}

/** More than the buffers of two sockets take: 100 messages of 96 kB. */
function fill(
  database: ReturnType<Awaited<ReturnType<typeof startListening>>['database']>,
  roomId: string,
) {
  const insert = database.query(`
    INSERT INTO messages (id, chatroom_id, position, final_revision, owner, role, content, status, created_at, completed_at)
    VALUES (?1, ?2, ?3, ?3, 'x', 'user', ?4, 'complete', 0, 0)`)
  const content = '漢'.repeat(CHARACTERS)
  database.transaction(() => {
    for (let at = 1; at <= MESSAGES; at++) insert.run(crypto.randomUUID(), roomId, at, content)
    database.query('UPDATE chatrooms SET revision = ?2 WHERE id = ?1').run(roomId, MESSAGES)
  })()
  database.close()
}
