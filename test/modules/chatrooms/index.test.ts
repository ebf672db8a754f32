import { describe, expect, test } from 'bun:test'
import type { Page } from '#src/lib/page.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { createTestApp, json, type ProblemJson } from '#test/support/test-app.ts'

describe('POST /v1/chatroom', () => {
  test('opens a room from an empty body', async () => {
    const { send, signIn } = createTestApp()
    const { token } = await signIn()
    const answer = await send('POST', '/v1/chatroom', { token })
    const room = await json<Room>(answer)
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`/v1/chatroom/${room.id}`)
    expect(room).toEqual({
      id: expect.any(String),
      title: 'New chat',
      systemPrompt: null,
      model: null,
      messageCount: { user: 0, assistant: 0 },
      lastMessageAt: null,
      pendingReply: null,
      createdAt: '2026-11-22T12:00:00.000Z',
      updatedAt: '2026-11-22T12:00:00.000Z',
    })
  })

  test('accepts an urlencoded body', async () => {
    const { send, signIn } = createTestApp()
    const { token } = await signIn()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await send('POST', '/v1/chatroom', {
      token,
      headers,
      body: 'title=Trip+to+Bergen',
    })
    expect((await json<Room>(answer)).title).toBe('Trip to Bergen')
  })

  test('shows the schema to no one who is not signed in', async () => {
    const { send } = createTestApp()
    for (const body of [{ zz: 1 }, '{bad', undefined]) {
      const answer = await send('POST', '/v1/chatroom', { body })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect((await json<ProblemJson>(answer)).instance).toBe(
        answer.headers.get('x-request-id') ?? 'none',
      )
    }
  })

  test('refuses an unknown field with its pointer and without its value', async () => {
    const { send, signIn } = createTestApp()
    const { token } = await signIn()
    const answer = await send('POST', '/v1/chatroom', {
      token,
      body: { titel: 'secret-value', title: '' },
    })
    const text = await answer.text()
    expect(answer.status).toBe(422)
    expect(text).not.toContain('secret-value')
    const parsed: ProblemJson = JSON.parse(text)
    expect(parsed.errors?.map(({ pointer }) => pointer).sort()).toEqual(['/titel', '/title'])
  })

  test('refuses a body that is no object, though a body is optional', async () => {
    const { send, signIn } = createTestApp()
    const { token } = await signIn()
    for (const body of ['[]', '"text"', '5', 'null', 'false', '[{"title":"a"}]']) {
      expect((await send('POST', '/v1/chatroom', { token, body })).status).toBe(422)
    }
  })

  test('replays the first answer to the same Idempotency-Key', async () => {
    const { send, signIn } = createTestApp()
    const { token } = await signIn()
    const headers = { 'idempotency-key': 'k1' }
    const post = (title: string) =>
      send('POST', '/v1/chatroom', { token, headers, body: { title } })
    const answers = await Promise.all([post('a'), post('a'), post('a')])
    const bodies = await Promise.all(answers.map((answer) => json<Room>(answer)))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    // Which of the three comes first is up to the event loop; only one may be it.
    const replays = answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')
    expect(replays).toHaveLength(2)
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(1)
    const other = await post('b')
    expect(other.status).toBe(422)
    expect((await json<ProblemJson>(other)).type).toBe('/problems/idempotency-key-reused')
  })
})

describe('GET /v1/chatroom', () => {
  test('pages through every room once, newest first', async () => {
    const { send, signIn, clock } = createTestApp()
    const { token } = await signIn()
    for (let at = 0; at < 5; at++) {
      await send('POST', '/v1/chatroom', { token, body: { title: `room ${at}` } })
      if (at % 2) clock.set(clock.now() + 1)
    }
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const path: string = `/v1/chatroom?limit=2${cursor && `&cursor=${cursor}`}`
      const page: Page<Room> = await json<Page<Room>>(send('GET', path, { token }))
      seen.push(...page.items.map(({ title }) => title))
      cursor = page.nextCursor
    }
    expect(seen).toHaveLength(5)
    expect(seen[0]).toBe('room 4')
    expect(new Set(seen).size).toBe(5)
  })

  test('refuses a cursor of another list and one that was tampered with', async () => {
    const { send, signIn } = createTestApp()
    const [one, two] = [await signIn(), await signIn()]
    for (const { token } of [one, two]) {
      for (const title of ['a', 'b']) await send('POST', '/v1/chatroom', { token, body: { title } })
    }
    const { nextCursor } = await json<Page<Room>>(send('GET', '/v1/chatroom?limit=1', one))
    expect((await send('GET', `/v1/chatroom?limit=1&cursor=${nextCursor}`, one)).status).toBe(200)
    for (const cursor of [`${nextCursor}A`, `A${nextCursor}`, 'x']) {
      expect((await send('GET', `/v1/chatroom?cursor=${cursor}`, one)).status).toBe(400)
    }
    expect((await send('GET', `/v1/chatroom?cursor=${nextCursor}`, two)).status).toBe(400)
    expect((await send('GET', `/v1/chatroom?cursor=${nextCursor}&q=a`, one)).status).toBe(400)
  })

  test('finds titles whatever their case and diacritics', async () => {
    const { send, signIn } = createTestApp()
    const { token } = await signIn()
    await send('POST', '/v1/chatroom', { token, body: { title: 'Ausflug nach Zürich' } })
    await send('POST', '/v1/chatroom', { token, body: { title: 'Bergen' } })
    const { items } = await json<Page<Room>>(send('GET', '/v1/chatroom?q=ZURICH', { token }))
    expect(items.map(({ title }) => title)).toEqual(['Ausflug nach Zürich'])
  })

  test('refuses odd limits', async () => {
    const { send, signIn } = createTestApp()
    const { token } = await signIn()
    for (const limit of ['0', '101', '1e9', '0x10', '-1', '1.5', '', 'NaN', '%00']) {
      expect((await send('GET', `/v1/chatroom?limit=${limit}`, { token })).status).toBe(422)
    }
  })
})

test('another’s room and no room give the same 404, byte for byte', async () => {
  const { send, signIn } = createTestApp()
  const [one, two] = [await signIn(), await signIn()]
  const { id } = await json<Room>(send('POST', '/v1/chatroom', one))
  const headers = { 'x-request-id': 'same' }
  for (const [method, body] of [['GET'], ['PATCH', { title: 'mine' }], ['DELETE']] as const) {
    const others = await send(method, `/v1/chatroom/${id}`, { ...two, headers, body })
    const nobodys = await send(method, '/v1/chatroom/nope', { ...two, headers, body })
    expect(others.status).toBe(404)
    expect(await others.text()).toBe(await nobodys.text())
  }
  expect((await send('GET', `/v1/chatroom/${id}`, one)).status).toBe(200)
})

test('DELETE /v1/chatroom/:id removes the room', async () => {
  const { send, signIn } = createTestApp()
  const { token } = await signIn()
  const { id } = await json<Room>(send('POST', '/v1/chatroom', { token }))
  const answer = await send('DELETE', `/v1/chatroom/${id}`, { token })
  expect(answer.status).toBe(204)
  expect(await answer.text()).toBe('')
  expect((await send('GET', `/v1/chatroom/${id}`, { token })).status).toBe(404)
})

test('an unknown path is 404 and a wrong method 405 with Allow', async () => {
  const { send } = createTestApp()
  const unknown = await send('GET', '/v1/nope')
  expect(unknown.status).toBe(404)
  expect(unknown.headers.get('content-type')).toBe('application/problem+json')
  const wrong = await send('PUT', '/v1/chatroom/x')
  expect(wrong.status).toBe(405)
  expect(wrong.headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH')
  expect((await send('GET', '/v1/chatroom/')).status).toBe(404)
})
