import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type Listening, startListening } from '#test/support/listening.ts'
import { type RawAnswer, statusesOf } from '#test/support/raw-socket.ts'

let here: Listening
let authorization = ''

beforeAll(async () => {
  here = await startListening()
  authorization = `Authorization: Bearer ${await here.signIn()}\r\n`
})
afterAll(() => here[Symbol.asyncDispose]())

async function ask(bytes: string): Promise<RawAnswer> {
  const socket = await here.open()
  socket.send(bytes)
  const answer = await socket.answer()
  socket.end()
  return answer
}
const get = (target: string, host: string) =>
  ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${authorization}\r\n`)

/** Nothing of our insides, and the form every refusal has. */
function expectProblem(answer: RawAnswer, status: number, slug: string) {
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(JSON.parse(answer.body)).toMatchObject({ type: `/problems/${slug}`, status })
  expect(answer.headers.get('x-request-id')).not.toBeNull()
  expect(answer.body).not.toMatch(/\.ts|node_modules|cwd|pollux-/)
}

test.each(['a/livez?', 'x@y', 'a b', '[', 'a#', '', 'a:99999', 'a\\b', '%00', 'ä', 'a, b'])(
  'Host: %s is no host: 400, whatever the path',
  async (host) => {
    for (const path of ['/livez', '/v1/user/me', '/nothing'])
      expectProblem(await get(path, host), 400, 'invalid-host')
  },
)

test('two Host headers are 400', async () => {
  expectProblem(await get('/v1/user/me', 'a.test\r\nHost: b.test'), 400, 'invalid-host')
})

test('without Host HTTP/1.0 may ask for our health, and nothing else', async () => {
  expect((await ask('GET /livez HTTP/1.0\r\n\r\n')).status).toBe(200)
  expectProblem(await ask('GET /v1/user/me HTTP/1.0\r\n\r\n'), 400, 'invalid-host')
  expectProblem(await ask('GET /nothing HTTP/1.0\r\n\r\n'), 400, 'invalid-host')
})

test.each(['a', 'api', 'a.b', 'localhost', 'api:3000', '[::1]', '127.0.0.1:3000'])(
  'Host: %s, however short, finds each resource at its one path',
  async (host) => {
    expect((await get('/v1/user/me', host)).status).toBe(200)
    expect((await get('/v1/user/me?', host)).status).toBe(200)
    for (const target of [
      '/x/v1/user/me',
      '//x/v1/user/me',
      '/v1//user/me',
      '/v1/user/me/',
      '/v1/user/me#a',
      '/v1/user/me;a',
      '/v1/./user/me',
      '/x/../v1/user/me',
      '/x/%2e%2e/v1/user/me',
      '/x\\..\\v1\\user\\me',
      '/v1/user\\me',
      '/v1/user%2fme',
      '/v1/user/%6de',
      '/V1/user/me',
    ]) {
      const answer = await get(target, host)
      expect([target, answer.status]).toEqual([target, 404])
      expectProblem(answer, 404, 'not-found')
    }
  },
)

test('another method is 405 with Allow, also over a socket', async () => {
  const answer = await ask('PUT /v1/user/me HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
  expectProblem(answer, 405, 'method-not-allowed')
  expect(answer.headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH')
})

test.each([
  '1e9',
  '0x10',
  '1.5',
  '-1',
  '0',
  '101',
  '٣',
  '10 ',
  '1_0',
  'Infinity',
  '',
  '5;',
  '9'.repeat(400),
])('limit=%s is 422 over a socket', async (limit) => {
  const path = `/v1/chatroom?limit=${encodeURIComponent(limit)}`
  expectProblem(await get(path, 'localhost'), 422, 'validation')
})

test('a body in gzip is 415 and says which coding is read; nothing is unfolded', async () => {
  for (const coding of ['gzip', 'br', 'deflate', 'gzip, identity', 'GZIP', 'x']) {
    for (const body of ['{"title":"x"}', Bun.gzipSync(Buffer.alloc(5_000_000)).toHex()]) {
      const answer = await ask(
        `POST /v1/chatroom HTTP/1.1\r\nHost: a\r\n${authorization}Content-Type: application/json\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      expectProblem(answer, 415, 'unsupported-media-type')
      expect(answer.headers.get('accept-encoding')).toBe('identity')
    }
  }
})

test('CONNECT, TRACE and an upgrade lead nowhere', async () => {
  expectProblem(await ask('CONNECT evil.test:80 HTTP/1.1\r\nHost: a\r\n\r\n'), 404, 'not-found')
  expectProblem(await ask('TRACE /nothing HTTP/1.1\r\nHost: a\r\n\r\n'), 404, 'not-found')
  const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const answer = await ask(`GET /v1/user/me HTTP/1.1\r\nHost: a\r\n${upgrade}${key}\r\n`)
  expectProblem(answer, 401, 'unauthenticated')
})

test.each([
  ['another version', 'GET /livez HTTP/3.7\r\nHost: a\r\n\r\n', [505]],
  ['HTTP/1.1 without Host', 'GET /livez HTTP/1.1\r\n\r\n', [400]],
  ['a target of 20 000 bytes', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, [431]],
  ['a method it does not know', 'FOO /livez HTTP/1.1\r\nHost: a\r\n\r\n', []],
  ['a method in lower case', 'get /livez HTTP/1.1\r\nHost: a\r\n\r\n', []],
])(
  'what is no HTTP to Bun ends the connection, bare or unanswered: %s',
  async (_name, bytes, statuses) => {
    const socket = await here.open()
    socket.send(bytes)
    const text = await socket.ended
    expect(statusesOf(text)).toEqual(statuses)
    expect(text.toLowerCase()).not.toContain('x-request-id')
  },
)
