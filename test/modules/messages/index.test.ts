import { describe, expect, test } from 'bun:test'
import type { Page } from '#src/lib/page.ts'
import type { Accepted, Exchange, Message } from '#src/modules/messages/model.ts'
import { json, type ProblemJson } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

describe('POST /v1/chatroom/:id/message', () => {
  test('accepts a prompt, answers it through the queue and keeps both', async () => {
    const chat = await createTestChat()
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const answer = await chat.send('POST', `/v1/chatroom/${roomId}/message`, {
      token,
      body: { userPrompt: 'What is 6 x 7?' },
    })
    const { prompt, reply, quota } = await json<Accepted>(answer)
    expect(answer.status).toBe(202)
    expect(answer.headers.get('location')).toBe(`/v1/chatroom/${roomId}/message/${reply.id}`)
    expect(answer.headers.get('ratelimit-policy')).toBe('"daily";q=5;w=86400')
    expect(answer.headers.get('ratelimit')).toBe('"daily";r=4;t=43200')
    expect(reply.status).toBe('queued')
    expect(quota).toEqual({ limit: 5, used: 1, remaining: 4, resetsAt: '2026-11-23T00:00:00.000Z' })
    const final = await chat.final(token, roomId, reply.id)
    expect(final).toMatchObject({
      status: 'complete',
      content: '6 x 7 = 42.',
      replyTo: prompt.id,
      finishReason: 'STOP',
      model: 'gemini-2.5-flash-lite',
      contextMessages: 0,
    })
    const latest = await json<Exchange>(
      chat.send('GET', `/v1/chatroom/${roomId}/message`, { token }),
    )
    expect(latest).toEqual({ prompt, reply: final })
    expect(chat.gemini.calls[0]).toMatchObject({
      system: 'Keep the response short',
      prompt: 'What is 6 x 7?',
    })
    await chat.stop()
  })

  test('accepts exactly as many of 50 parallel prompts as the quota allows', async () => {
    const chat = await createTestChat()
    const owner = await chat.signIn()
    const { token } = owner
    const roomId = await chat.openRoom(token)
    const post = () =>
      chat.send('POST', `/v1/chatroom/${roomId}/message`, { token, body: { userPrompt: 'Hello' } })
    const answers = await Promise.all(Array.from({ length: 50 }, post))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 202)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(45)
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.headers.get('retry-after')).toBe('43200')
    expect(refused?.headers.get('ratelimit')).toBe('"daily";r=0;t=43200')
    expect((await json<ProblemJson>(refused ?? new Response())).type).toBe(
      '/problems/quota-exhausted',
    )
    expect(await chat.services.quotas.read(owner)).toMatchObject({ used: 5, remaining: 0 })
    await chat.stop()
  })

  test('gives new prompts at midnight of the time zone, whether the daily reset ran or not', async () => {
    const chat = await createTestChat({
      settings: { basicDailyPrompts: 1, quotaTimezone: 'Asia/Kolkata', accessTtlMinutes: 1_440 },
    })
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const post = () =>
      chat.send('POST', `/v1/chatroom/${roomId}/message`, { token, body: { userPrompt: 'Hello' } })
    const { reply } = await json<Accepted>(post())
    await chat.final(token, roomId, reply.id)
    chat.clock.set(Date.UTC(2026, 10, 22, 18, 29, 59, 999))
    expect((await post()).status).toBe(429)
    chat.clock.set(Date.UTC(2026, 10, 22, 18, 30))
    expect((await post()).status).toBe(202)
    expect((await post()).status).toBe(429)
    await chat.stop()
  })

  test('a refused prompt costs nothing and leaves no trace', async () => {
    const chat = await createTestChat()
    const owner = await chat.signIn()
    const { token } = owner
    const roomId = await chat.openRoom(token)
    const path = `/v1/chatroom/${roomId}/message`
    const bad = ['', ' \n', 'x'.repeat(32_001), 7, null, ['a'], undefined].map((userPrompt) => ({
      userPrompt,
    }))
    for (const body of [
      ...bad,
      { userPrompt: 'a', extra: 1 },
      '{"userPrompt":"\\ud800"}',
      '{"userPrompt":"\\u0000"}',
    ]) {
      const answer = await chat.send('POST', path, { token, body })
      expect([answer.status, typeof body === 'string' ? body : Object.keys(body)]).toEqual([
        422,
        expect.anything(),
      ])
    }
    const invalidUtf8 = new Uint8Array([
      ...Buffer.from('{"userPrompt":"'),
      0xc3,
      0x28,
      ...Buffer.from('"}'),
    ])
    expect((await chat.send('POST', path, { token, body: invalidUtf8 })).status).toBe(422)
    expect((await chat.send('POST', path, { token, body: '{bad' })).status).toBe(400)
    expect(
      (
        await chat.send('POST', path, {
          token,
          body: '<a/>',
          headers: { 'content-type': 'text/xml' },
        })
      ).status,
    ).toBe(415)
    const large = JSON.stringify({ userPrompt: 'x'.repeat(70_000) })
    expect((await chat.send('POST', path, { token, body: large })).status).toBe(413)
    expect(
      (await chat.send('POST', '/v1/chatroom/nope/message', { token, body: { userPrompt: 'a' } }))
        .status,
    ).toBe(404)
    expect(await chat.services.quotas.read(owner)).toMatchObject({ used: 0 })
    expect(chat.database.sqlite.query('SELECT count(*) AS n FROM messages').get()).toEqual({ n: 0 })
    expect(chat.database.sqlite.query('SELECT count(*) AS n FROM jobs').get()).toEqual({ n: 0 })
    await chat.stop()
  })

  test('refuses a prompt that the model cannot take, before it is stored', async () => {
    const chat = await createTestChat({ settings: { geminiInputTokens: 100 } })
    const owner = await chat.signIn()
    const { token } = owner
    const roomId = await chat.openRoom(token)
    const post = (length: number) =>
      chat.send('POST', `/v1/chatroom/${roomId}/message`, {
        token,
        body: { userPrompt: 'x'.repeat(length) },
      })
    const refused = await post(401)
    expect(refused.status).toBe(422)
    expect((await json<ProblemJson>(refused)).errors?.[0]?.pointer).toBe('/userPrompt')
    expect(await chat.services.quotas.read(owner)).toMatchObject({ used: 0 })
    expect((await post(400)).status).toBe(202)
    await chat.stop()
  })

  test('shows the quota with every refusal, and charges nothing', async () => {
    const chat = await createTestChat()
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const unknown = '/v1/chatroom/018f0000-0000-7000-8000-000000000000/message'
    const post = (path: string, body: unknown) => chat.send('POST', path, { token, body })
    const refusals = [
      [404, await post(unknown, { userPrompt: 'Hello' })],
      [422, await post(`/v1/chatroom/${roomId}/message`, {})],
      [404, await chat.send('GET', unknown, { token })],
    ] as const
    for (const [status, answer] of refusals) {
      expect(answer.status).toBe(status)
      expect(answer.headers.get('ratelimit')).toBe('"daily";r=5;t=43200')
    }
    const read = await chat.send('GET', `/v1/chatroom/${roomId}/message`, { token })
    expect(read.headers.get('ratelimit')).toBe('"daily";r=5;t=43200')
    await chat.stop()
  })

  test('answers a room in the order of its prompts and remembers what was said', async () => {
    const chat = await createTestChat()
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const accepted = []
    for (const text of ['one?', 'two?', 'three?'])
      accepted.push(await chat.prompt(token, roomId, text))
    for (const { reply } of accepted) await chat.final(token, roomId, reply.id)
    expect(chat.gemini.calls.map(({ prompt }) => prompt)).toEqual(['one?', 'two?', 'three?'])
    expect(chat.gemini.calls.map(({ contents }) => contents.length)).toEqual([1, 3, 5])
    const page = await json<Page<Message>>(
      chat.send('GET', `/v1/chatroom/${roomId}/message/all?limit=4`, { token }),
    )
    expect(page.items.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
    expect(page.items.map(({ content }) => content)[0]).toBe('one?')
    const rest = await json<Page<Message>>(
      chat.send('GET', `/v1/chatroom/${roomId}/message/all?limit=4&cursor=${page.nextCursor}`, {
        token,
      }),
    )
    expect(rest.items).toHaveLength(2)
    expect(rest.nextCursor).toBeNull()
    const newest = await json<Page<Message>>(
      chat.send('GET', `/v1/chatroom/${roomId}/message/all?limit=1&order=desc`, { token }),
    )
    expect(newest.items[0]).toEqual(rest.items[1])
    await chat.stop()
  })
})

test('GET latest of an empty room is nulls, of another’s room 404', async () => {
  const chat = await createTestChat()
  const [one, two] = [await chat.signIn(), await chat.signIn()]
  const roomId = await chat.openRoom(one.token)
  expect(await json<Exchange>(chat.send('GET', `/v1/chatroom/${roomId}/message`, one))).toEqual({
    prompt: null,
    reply: null,
  })
  for (const path of ['', '/all', '/x', '/x?wait=1']) {
    expect((await chat.send('GET', `/v1/chatroom/${roomId}/message${path}`, two)).status).toBe(404)
  }
  await chat.stop()
})
