import { describe, expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

async function setUp() {
  const app = createTestApp({ basicDailyPrompts: 100 })
  const { token } = await app.signIn()
  const room = await json<Room>(app.send('POST', '/v1/chatroom', { token }))
  const messages = `/v1/chatroom/${room.id}/message`
  const prompt = (body: unknown, headers: Record<string, string> = {}) =>
    app.send('POST', messages, { token, body, headers })
  const count = () =>
    app.database.sqlite.query<{ n: number }, []>('SELECT count(*) AS n FROM messages').get()?.n
  return { ...app, token, messages, prompt, count }
}

describe('what is refused leaves nothing and costs no quota', () => {
  test('JSON that is broken, cut, or followed by more is 400', async () => {
    const { prompt, count } = await setUp()
    for (const body of [
      '{',
      '{"userPrompt":',
      'x',
      '{"userPrompt":"a"} {}',
      "{'userPrompt':'a'}",
      '{"userPrompt":"a",}',
      'NaN',
      '\ufeff\ufeff{}',
    ]) {
      expect([body, (await prompt(body)).status]).toEqual([body, 400])
    }
    expect(count()).toBe(0)
  })

  test('another type at the top or in a field is 422', async () => {
    const { prompt, count } = await setUp()
    for (const body of ['[]', '"x"', '1', 'null', 'true', '{}']) {
      expect([body, (await prompt(body)).status]).toEqual([body, 422])
    }
    for (const userPrompt of [1, true, null, [], {}, ['a'], { toString: 'a' }, '', Number.NaN]) {
      expect((await prompt({ userPrompt })).status).toBe(422)
    }
    expect(count()).toBe(0)
  })

  test('nesting ten thousand deep is refused, not followed', async () => {
    const { prompt } = await setUp()
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const deep = `{"userPrompt":${open.repeat(10_000)}1${close.repeat(10_000)}}`
      expect([400, 413, 422]).toContain((await prompt(deep)).status)
    }
    const escaped = `{"userPrompt":${'['.repeat(10_000)}"\\u0041"${']'.repeat(10_000)}}`
    expect([400, 422]).toContain((await prompt(escaped)).status)
  })

  test('a key given twice never counts as both', async () => {
    const { prompt, send, token, messages } = await setUp()
    const answer = await prompt('{"userPrompt":"first","userPrompt":"last"}')
    expect(answer.status).toBe(202)
    const { prompt: stored } = await json<{ prompt: { content: string } }>(
      send('GET', messages, { token }),
    )
    expect(stored.content).toBe('last')
    const form = 'userPrompt=first&userPrompt=last'
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await prompt(form, headers)).status).toBe(422)
  })

  test('too long a prompt is 422 and too large a body 413', async () => {
    const { prompt, count } = await setUp()
    expect((await prompt({ userPrompt: 'a'.repeat(32_001) })).status).toBe(422)
    expect((await prompt({ userPrompt: 'a'.repeat(65_536) })).status).toBe(413)
    expect(count()).toBe(0)
  })

  test('another content type, charset trick or encoding is refused', async () => {
    const { prompt, count } = await setUp()
    const body = '{"userPrompt":"a"}'
    for (const type of [
      'text/plain',
      'application/xml',
      'multipart/form-data',
      'application/json5',
      'application/octet-stream',
    ]) {
      expect([type, (await prompt(body, { 'content-type': type })).status]).toEqual([type, 415])
    }
    const zipped = new Uint8Array(Bun.gzipSync(Buffer.from(body)))
    const answer = await prompt(zipped, { 'content-encoding': 'gzip' })
    expect(answer.status).toBe(415)
    expect(count()).toBe(0)
  })

  test('invalid UTF-8, NUL and lone surrogates are 422', async () => {
    const { prompt, count } = await setUp()
    const quoted = (...bytes: number[]) =>
      new Uint8Array([...Buffer.from('{"userPrompt":"'), ...bytes, ...Buffer.from('"}')])
    for (const bytes of [
      quoted(0xff),
      quoted(0xc0, 0x80),
      quoted(0xed, 0xa0, 0x80),
      quoted(0xf8, 0x88, 0x80, 0x80, 0x80),
    ]) {
      expect((await prompt(bytes)).status).toBe(422)
    }
    for (const body of [
      '{"userPrompt":"\\u0000"}',
      '{"userPrompt":"\\ud800"}',
      '{"userPrompt":"\\udc00x"}',
    ]) {
      expect((await prompt(body)).status).toBe(422)
    }
    expect(count()).toBe(0)
  })
})

describe('words of SQL and of the full-text search are words', () => {
  const hostile = [
    "' OR 1=1 --",
    '"; DROP TABLE users; --',
    "Robert'); DELETE FROM messages;--",
    'UNION SELECT phone FROM users',
    '%',
    '_',
    '\\',
    '*',
    'a*',
    '"',
    '""',
    '"a',
    'a"b',
    '(',
    ')',
    'AND',
    'OR',
    'NOT',
    'NEAR(a b, 5)',
    'content:a',
    'owner:a',
    '^a',
    '-a',
    '+a',
    'a AND',
    '{owner}: a',
    ':',
    ',',
    '🦉',
    '{{7*7}}',
    '<script>',
  ]

  test('in titles, prompts, names and searches', async () => {
    const { send, token, prompt, database } = await setUp()
    for (const text of hostile) {
      const room = await json<Room>(send('POST', '/v1/chatroom', { token, body: { title: text } }))
      expect(room.title).toBe(text)
      expect((await prompt({ userPrompt: text })).status).toBe(202)
      expect((await send('PATCH', '/v1/user/me', { token, body: { name: text } })).status).toBe(200)
      const q = encodeURIComponent(text)
      expect([text, (await send('GET', `/v1/chatroom?q=${q}`, { token })).status]).toEqual([
        text,
        200,
      ])
      const { status } = await send('GET', `/v1/search?q=${q}`, { token })
      expect([text, [200, 422].includes(status)]).toEqual([text, true])
    }
    expect(database.sqlite.query('SELECT id FROM users').all()).toHaveLength(1)
  })

  test('one person’s search finds nothing of another, whatever is asked', async () => {
    const { send, prompt, signIn } = await setUp()
    await prompt({ userPrompt: 'a secret lighthouse' })
    const { token } = await signIn()
    for (const q of ['lighthouse', 'light*', 'owner:x OR lighthouse', '"lighthouse"', 'NOT x']) {
      const answer = await send('GET', `/v1/search?q=${encodeURIComponent(q)}`, { token })
      if (answer.status === 200)
        expect((await json<{ items: unknown[] }>(answer)).items).toEqual([])
    }
  })
})

test('odd limits and cursors are refused on every list', async () => {
  const { send, token, messages } = await setUp()
  for (const path of [
    '/v1/chatroom?',
    `${messages}/all?`,
    '/v1/search?q=a&',
    '/v1/auth/sessions?',
  ]) {
    for (const limit of [
      '0',
      '101',
      '1e9',
      '1e1',
      '0x10',
      '-1',
      '1.5',
      '',
      ' 1',
      '１',
      'Infinity',
      'null',
      '%00',
    ]) {
      expect([path, limit, (await send('GET', `${path}limit=${limit}`, { token })).status]).toEqual(
        [path, limit, 422],
      )
    }
    for (const cursor of ['x', 'eyJhIjoxfQ', '../../etc', 'null', '0', 'A'.repeat(400)]) {
      const { status } = await send('GET', `${path}cursor=${cursor}`, { token })
      expect([path, cursor, status]).toEqual([path, cursor, 400])
    }
  }
})

test('a body that is empty is none, whatever its type says, and tells a stranger nothing', async () => {
  const { app, signIn } = createTestApp()
  const { token } = await signIn()
  // Not by the test app's own `send`, which sends no Content-Type with nothing.
  const ask = (method: string, path: string, type: string, authorization: string) =>
    app.handle(
      new Request(`http://localhost${path}`, {
        method,
        body: '',
        headers: { 'content-type': type, authorization },
      }),
    )
  const wanted: [string, string, number][] = [
    ['POST', '/v1/user/me/deletion-code', 202],
    ['POST', '/v1/chatroom', 201],
    ['DELETE', '/v1/chatroom/none', 404],
    ['DELETE', '/v1/auth/sessions', 204],
    ['PATCH', '/v1/user/me', 422],
    ['POST', '/v1/auth/logout', 204],
  ]
  for (const [method, path, status] of wanted) {
    for (const type of ['application/json', 'text/plain', 'application/octet-stream', 'x']) {
      expect([path, type, (await ask(method, path, type, '')).status]).toEqual([path, type, 401])
    }
    const answer = await ask(method, path, 'application/json', `Bearer ${token}`)
    expect([path, answer.status]).toEqual([path, status])
  }
})
