import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { call } from '#test/support/client.ts'
import { type Listening, startListening } from '#test/support/listening.ts'
import { statusesOf } from '#test/support/raw-socket.ts'

/** What is hidden in a body: nobody may ever see it carried out. */
const SMUGGLED_BODY = '{"title":"smuggled"}'
const LIVE = 'GET /livez HTTP/1.1\r\nHost: pollux.test\r\n\r\n'
const BODY = '{"title":"x"}'
const CHUNKED_BODY = `d\r\n${BODY}\r\n0\r\n\r\n`

let here: Listening
let authorization = ''
let token = ''
let smuggled = ''

beforeAll(async () => {
  here = await startListening()
  token = await here.signIn()
  authorization = `Authorization: Bearer ${token}\r\n`
  smuggled = post(`Content-Length: ${SMUGGLED_BODY.length}\r\n`, SMUGGLED_BODY)
})
afterAll(() => here[Symbol.asyncDispose]())

function post(headers: string, body: string, path = '/v1/chatroom'): string {
  return `POST ${path} HTTP/1.1\r\nHost: pollux.test\r\n${authorization}Content-Type: application/json\r\n${headers}\r\n${body}`
}

async function titles(): Promise<string[]> {
  const { body } = await call<{ items: Room[] }>(here.url, 'GET', '/v1/chatroom', { token })
  return body.items.map(({ title }) => title)
}

const ambiguous: Record<string, [headers: string, body: string]> = {
  'Content-Length and Transfer-Encoding': [
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
  ],
  'Transfer-Encoding and Content-Length': [
    'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
    '0\r\n\r\n',
  ],
  'two lengths, the shorter first': ['Content-Length: 0\r\nContent-Length: 13\r\n', BODY],
  'two lengths, the longer first': ['Content-Length: 13\r\nContent-Length: 0\r\n', BODY],
  'a list of lengths': ['Content-Length: 13, 13\r\n', BODY],
  'a length with a sign': ['Content-Length: +13\r\n', BODY],
  'a negative length': ['Content-Length: -1\r\n', BODY],
  'a length in hexadecimal': ['Content-Length: 0xd\r\n', BODY],
  'a length with something behind it': ['Content-Length: 13abc\r\n', BODY],
  'a length cut in two': ['Content-Length: 1 3\r\n', BODY],
  'an empty length': ['Content-Length: \r\n', BODY],
  'a length of 2^64 and 13': ['Content-Length: 18446744073709551629\r\n', BODY],
  'a length of 2^32 and 13': ['Content-Length: 4294967309\r\n', BODY],
  'a blank before the colon': ['Content-Length : 13\r\n', BODY],
  'a folded length (obs-fold)': ['Content-Length:\r\n 13\r\n', BODY],
  'a folded other header (obs-fold)': ['X-A: b\r\n c\r\nContent-Length: 13\r\n', BODY],
  'a folded Transfer-Encoding': ['Transfer-Encoding:\r\n chunked\r\n', CHUNKED_BODY],
  'a header that begins with a blank': ['X: y\r\n Transfer-Encoding: chunked\r\n', CHUNKED_BODY],
  'a bare LF between headers': ['X-A: b\nContent-Length: 13\r\n', BODY],
  'a bare CR between headers': ['X-A: b\rContent-Length: 13\r\n', BODY],
  'a NUL in a header': ['X-A: b\0c\r\nContent-Length: 13\r\n', BODY],
  'Transfer-Encoding: xchunked': ['Transfer-Encoding: xchunked\r\n', CHUNKED_BODY],
  'Transfer-Encoding: chunked, identity': [
    'Transfer-Encoding: chunked, identity\r\n',
    CHUNKED_BODY,
  ],
  'Transfer-Encoding: identity': ['Transfer-Encoding: identity\r\n', BODY],
  'Transfer-Encoding: gzip, chunked': ['Transfer-Encoding: gzip, chunked\r\n', CHUNKED_BODY],
  'Transfer-Encoding: "chunked"': ['Transfer-Encoding: "chunked"\r\n', CHUNKED_BODY],
  'Transfer-Encoding: <VT>chunked': ['Transfer-Encoding: \x0bchunked\r\n', CHUNKED_BODY],
  'an empty Transfer-Encoding': ['Transfer-Encoding: \r\n', CHUNKED_BODY],
  'two Transfer-Encodings': [
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
    CHUNKED_BODY,
  ],
  ...Object.fromEntries(
    ['0xd', '-d', 'g', '', 'd ', ' d', 'fffffffffffffffff', '1000000000000000d', 'd;a\nb'].map(
      (size) => [
        `a chunk of size ${JSON.stringify(size)}`,
        ['Transfer-Encoding: chunked\r\n', `${size}\r\n${BODY}\r\n0\r\n\r\n`],
      ],
    ),
  ),
  'chunks ended by bare LF': ['Transfer-Encoding: chunked\r\n', `d\n${BODY}\n0\n\n`],
  'a chunk longer than its size': ['Transfer-Encoding: chunked\r\n', `d\r\n${BODY}XX0\r\n\r\n`],
  'a size ended by CR and no LF': ['Transfer-Encoding: chunked\r\n', `d\rX${BODY}\r\n0\r\n\r\n`],
  'fields behind the last chunk': [
    'Transfer-Encoding: chunked\r\n',
    `d\r\n${BODY}\r\n0\r\nX-T: y\r\n\r\n`,
  ],
  'a last chunk without its end': ['Transfer-Encoding: chunked\r\n', `d\r\n${BODY}\r\n0\r\n`],
}

describe('a request that two parsers may cut differently is refused, and its connection closed', () => {
  test.each(Object.entries(ambiguous))('%s', async (_name, [headers, body]) => {
    const socket = await here.open()
    socket.send(post(headers, body) + smuggled)
    const statuses = statusesOf(await socket.ended)
    expect(statuses).toHaveLength(1)
    expect([400, 413]).toContain(statuses[0] ?? 0)
  })

  test.each([
    ['bare LF everywhere', LIVE.replaceAll('\r\n', '\n')],
    [
      'chunks in HTTP/1.0',
      post('Transfer-Encoding: chunked\r\n', CHUNKED_BODY).replace('1.1', '1.0'),
    ],
    ['HTTP/0.9', 'GET /livez\r\n\r\n'],
    ['HTTP/1.2', 'GET /livez HTTP/1.2\r\nHost: pollux.test\r\n\r\n'],
    ['HTTP/2 by prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a blank in the target', 'GET /li vez HTTP/1.1\r\nHost: pollux.test\r\n\r\n'],
    ['a header of 100 kB', `GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['500 headers', `GET /livez HTTP/1.1\r\nHost: a\r\n${'X: a\r\n'.repeat(500)}\r\n`],
  ])('%s', async (_name, bytes) => {
    const socket = await here.open()
    socket.send(bytes + smuggled)
    const statuses = statusesOf(await socket.ended)
    expect(statuses).toHaveLength(1)
    expect([400, 431, 505]).toContain(statuses[0] ?? 0)
  })

  afterAll(async () => expect(await titles()).not.toContain('smuggled'))
})

test.each([
  ['the same length twice', 'Content-Length: 13\r\nContent-Length: 13\r\n', BODY],
  ['a chunk extension', 'Transfer-Encoding: chunked\r\n', CHUNKED_BODY.replace('d', 'd;a=b')],
  ['CHUNKED behind a tab', 'Transfer-Encoding:\tCHUNKED\r\n', CHUNKED_BODY],
])(
  '%s is unusual and clear: one request, and the next is the next',
  async (_name, headers, body) => {
    const socket = await here.open()
    socket.send(post(headers, body))
    expect((await socket.answer()).status).toBe(201)
    socket.send(LIVE)
    expect((await socket.answer()).body).toBe('{"status":"ok"}')
    socket.end()
  },
)

describe('the body of a refused request is never taken for a request', () => {
  const long = () => smuggled.repeat(Math.ceil(70_000 / smuggled.length))
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`
  const plain = 'Host: pollux.test\r\nContent-Type: application/json\r\n'
  const cases: [string, number, () => [head: string, body: string]][] = [
    [
      'too long by its length',
      413,
      () => [post(`Content-Length: ${long().length}\r\n`, ''), long()],
    ],
    ['too long in chunks', 413, () => [post('Transfer-Encoding: chunked\r\n', ''), chunk(long())]],
    [
      'from a stranger',
      401,
      () => [
        `POST /v1/chatroom HTTP/1.1\r\n${plain}Content-Length: ${smuggled.length}\r\n\r\n`,
        smuggled,
      ],
    ],
    [
      'to no path',
      404,
      () => [
        `POST /nothing HTTP/1.1\r\n${plain}Transfer-Encoding: chunked\r\n\r\n`,
        chunk(smuggled),
      ],
    ],
    [
      'by another method',
      405,
      () => [
        `PUT /v1/chatroom HTTP/1.1\r\n${plain}Content-Length: ${smuggled.length}\r\n\r\n`,
        smuggled,
      ],
    ],
    [
      'of another type',
      415,
      () => [
        post(`Content-Length: ${smuggled.length}\r\n`, smuggled).replace(
          'application/json',
          'text/plain',
        ),
        '',
      ],
    ],
    [
      'of a GET',
      200,
      () => [`GET /livez HTTP/1.1\r\n${plain}Content-Length: ${smuggled.length}\r\n\r\n`, smuggled],
    ],
  ]
  test.each(cases)('%s', async (_name, status, request) => {
    const [head, body] = request()
    const socket = await here.open()
    socket.send(head + body)
    expect((await socket.answer()).status).toBe(status)
    // Behind the body the connection goes on, and whatever was in the body is gone.
    socket.send(LIVE)
    expect((await socket.answer()).body).toBe('{"status":"ok"}')
    socket.end()
    expect(await titles()).not.toContain('smuggled')
  })
})

describe('pipelining', () => {
  test('reads are answered one by one, in order', async () => {
    const socket = await here.open()
    const read = (path: string) =>
      `GET ${path} HTTP/1.1\r\nHost: pollux.test\r\n${authorization}\r\n`
    socket.send(read('/livez') + read('/v1/user/me') + read('/v1/chatroom'))
    expect((await socket.answer()).body).toBe('{"status":"ok"}')
    expect((await socket.answer()).body).toContain('"phone"')
    expect((await socket.answer()).body).toContain('"items"')
    socket.end()
  })

  test('what comes behind a write that is not answered yet is not read: Bun closes the connection', async () => {
    const socket = await here.open()
    const first = '{"title":"written first"}'
    socket.send(post(`Content-Length: ${first.length}\r\n`, first) + smuggled)
    expect(statusesOf(await socket.ended)).toEqual([])
    expect(await titles()).toContain('written first')
    expect(await titles()).not.toContain('smuggled')
  })
})
