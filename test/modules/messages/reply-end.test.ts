import { afterEach, describe, expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import type { Accepted, Exchange, Message } from '#src/modules/messages/model.ts'
import { SAVE_EVERY_MS } from '#src/modules/messages/partial-saver.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createGate } from '#test/support/gate.ts'
import { json, type ProblemJson } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

let open: Awaited<ReturnType<typeof createTestChat>> | undefined
afterEach(async () => {
  await open?.stop()
  open = undefined
})

async function gatedChat() {
  const gates = [createGate(), createGate(), createGate()]
  const [gate = createGate(), secondGate = createGate()] = gates
  let calls = 0
  // Each call has its own pieces, so that one that was stopped takes none of another's.
  const behave = (): Behaviour => ({ kind: 'answer', pieces: (gates[calls++] ?? gate).pieces() })
  const chat = await createTestChat({ behave })
  open = chat
  const owner = await chat.signIn()
  const { token } = owner
  const roomId = await chat.openRoom(token)
  const act = (messageId: string, action: string, headers = {}) =>
    chat.send('POST', `/v1/chatroom/${roomId}/message/${messageId}/${action}`, { token, headers })
  const called = async (count: number) => {
    while (chat.gemini.calls.length < count) await turns(1)
  }
  const streamed = async (messageId: string, text: string) => {
    // The piece comes over a socket, which takes as many turns of the loop as it likes; then it is due to be saved.
    const savedAt = chat.clock.now() + SAVE_EVERY_MS
    while (!chat.clock.timers().includes(savedAt)) await turns(1)
    await chat.clock.advance(SAVE_EVERY_MS)
    while ((await chat.read(token, roomId, messageId)).content !== text) await turns(1)
  }
  return { gate, secondGate, chat, token, owner, roomId, act, called, streamed }
}

describe('POST …/cancel', () => {
  test('stops a running reply, keeps the text so far and the price', async () => {
    const { gate, chat, token, owner, roomId, act, streamed } = await gatedChat()
    const { reply } = await chat.prompt(token, roomId, 'Tell me everything')
    gate.send('So far ')
    await streamed(reply.id, 'So far ')
    const answer = await act(reply.id, 'cancel')
    expect(answer.status).toBe(200)
    expect(await json<Message>(answer)).toMatchObject({
      id: reply.id,
      status: 'cancelled',
      content: 'So far ',
    })
    expect((await chat.services.quotas.read(owner)).used).toBe(1)
    const again = await act(reply.id, 'cancel')
    expect(again.status).toBe(409)
    expect((await json<ProblemJson>(again)).type).toBe('/problems/already-final')
  })

  test('refunds a waiting prompt but not one that a worker took, and lets the next one go on', async () => {
    const { secondGate, chat, token, owner, roomId, act, called } = await gatedChat()
    const running = await chat.prompt(token, roomId, 'one')
    const blocked = await chat.prompt(token, roomId, 'two')
    const next = await chat.prompt(token, roomId, 'three')
    await called(1)
    expect((await chat.services.quotas.read(owner)).used).toBe(3)
    expect((await json<Message>(act(blocked.reply.id, 'cancel'))).status).toBe('cancelled')
    expect((await chat.services.quotas.read(owner)).used).toBe(2)
    expect((await json<Message>(act(running.reply.id, 'cancel'))).status).toBe('cancelled')
    expect((await chat.services.quotas.read(owner)).used).toBe(2)
    await called(2)
    secondGate.send('third')
    secondGate.end()
    expect(await chat.final(token, roomId, next.reply.id)).toMatchObject({
      status: 'complete',
      content: 'third',
    })
  })

  test('refuses a final reply, a prompt, and a reply of another user', async () => {
    const { gate, chat, token, roomId, act } = await gatedChat()
    const { prompt, reply } = await chat.prompt(token, roomId, 'one')
    gate.send('done')
    gate.end()
    await chat.final(token, roomId, reply.id)
    expect((await act(reply.id, 'cancel')).status).toBe(409)
    expect((await act(prompt.id, 'cancel')).status).toBe(409)
    const stranger = await chat.signIn()
    const path = `/v1/chatroom/${roomId}/message/${reply.id}/cancel`
    expect((await chat.send('POST', path, stranger)).status).toBe(404)
  })
})

describe('DELETE of the room', () => {
  test('refunds waiting prompts, but not one whose reply was streamed, though no text is stored yet', async () => {
    const { gate, chat, token, owner, roomId } = await gatedChat()
    const { reply } = await chat.prompt(token, roomId, 'one')
    await chat.prompt(token, roomId, 'blocked')
    const events = await chat.send('GET', `/v1/chatroom/${roomId}/events`, { token })
    gate.send('Told')
    const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader()
    let told = ''
    while (!told.includes('event: delta')) told += (await reader?.read())?.value ?? ''
    expect((await chat.read(token, roomId, reply.id)).content).toBe('')
    expect((await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })).status).toBe(204)
    expect((await chat.services.quotas.read(owner)).used).toBe(1)
    await reader?.cancel()
  })

  test('does not refund a prompt that was sent and has no answer yet', async () => {
    const { chat, token, owner, roomId, called } = await gatedChat()
    await chat.prompt(token, roomId, 'one')
    await called(1)
    expect((await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })).status).toBe(204)
    expect((await chat.services.quotas.read(owner)).used).toBe(1)
  })
})

describe('POST …/regenerate', () => {
  test('makes a new version of the reply, costs one prompt and keeps the old version', async () => {
    const { gate, secondGate, chat, token, owner, roomId, act } = await gatedChat()
    const { prompt, reply } = await chat.prompt(token, roomId, 'one')
    gate.send('first')
    gate.end()
    await chat.final(token, roomId, reply.id)
    const headers = { 'idempotency-key': 'again' }
    const answer = await act(reply.id, 'regenerate', headers)
    const accepted = await json<Accepted>(answer)
    expect(answer.status).toBe(202)
    expect(accepted.reply).toMatchObject({ replyTo: prompt.id, version: 2, status: 'queued' })
    const replayed = await act(reply.id, 'regenerate', headers)
    expect(replayed.headers.get('idempotent-replayed')).toBe('true')
    secondGate.send('second')
    secondGate.end()
    const second = await chat.final(token, roomId, accepted.reply.id)
    expect(second).toMatchObject({ content: 'second', version: 2 })
    expect(await chat.read(token, roomId, reply.id)).toMatchObject({ content: 'first', version: 1 })
    const latest = await json<Exchange>(
      chat.send('GET', `/v1/chatroom/${roomId}/message`, { token }),
    )
    expect(latest.reply).toEqual(second)
    expect((await chat.services.quotas.read(owner)).used).toBe(2)
    // The model is asked the same again: the reply being replaced is not part of the conversation.
    expect(chat.gemini.calls.map(({ contents }) => contents.length)).toEqual([1, 1])
  })

  test('refuses a prompt with 422, a reply in the making with 409, another’s with 404', async () => {
    const { chat, token, owner, roomId, act } = await gatedChat()
    const { prompt, reply } = await chat.prompt(token, roomId, 'one')
    const refused = await act(prompt.id, 'regenerate')
    expect([refused.status, (await json<ProblemJson>(refused)).type]).toEqual([
      422,
      '/problems/not-a-reply',
    ])
    const early = await act(reply.id, 'regenerate')
    expect([early.status, (await json<ProblemJson>(early)).type]).toEqual([
      409,
      '/problems/reply-not-final',
    ])
    expect((await act('nope', 'regenerate')).status).toBe(404)
    expect((await chat.services.quotas.read(owner)).used).toBe(1)
  })
})

describe('A room', () => {
  test('that is deleted takes running and waiting replies along and refunds prompts that were not sent', async () => {
    const { chat, token, owner, roomId, called } = await gatedChat()
    await chat.prompt(token, roomId, 'one')
    await chat.prompt(token, roomId, 'two')
    await called(1)
    expect((await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })).status).toBe(204)
    expect((await chat.services.quotas.read(owner)).used).toBe(1)
    while (chat.worker.running > 0) await turns(1)
    const states = chat.database.sqlite.query('SELECT state FROM jobs ORDER BY id').all()
    expect(states).toEqual([{ state: 'cancelled' }, { state: 'cancelled' }])
    expect(chat.database.sqlite.query('SELECT count(*) AS n FROM messages').get()).toEqual({ n: 0 })
    expect(chat.gemini.calls).toHaveLength(1)
  })

  test('shows its counts and the reply it waits for', async () => {
    const { gate, chat, token, roomId, called } = await gatedChat()
    const { reply } = await chat.prompt(token, roomId, 'one')
    await called(1)
    const read = () => json(chat.send('GET', `/v1/chatroom/${roomId}`, { token }))
    expect(await read()).toMatchObject({
      messageCount: { user: 1, assistant: 1 },
      pendingReply: reply.id,
    })
    gate.send('x')
    gate.end()
    await chat.final(token, roomId, reply.id)
    expect(await read()).toMatchObject({
      pendingReply: null,
      lastMessageAt: '2026-11-22T12:00:00.000Z',
    })
  })
})

describe('GET …/:messageId?wait=', () => {
  test('answers when the reply is final, or as it stands when the time is over', async () => {
    const { gate, chat, token, roomId, called, streamed } = await gatedChat()
    const { reply } = await chat.prompt(token, roomId, 'one')
    await called(1)
    gate.send('half')
    await streamed(reply.id, 'half')
    const path = `/v1/chatroom/${roomId}/message/${reply.id}?wait=3`
    const inTime = json<Message>(chat.send('GET', path, { token }))
    await turns(5)
    for (let step = 0; step < 4; step++) await chat.clock.advance(SECOND)
    expect(await inTime).toMatchObject({ status: 'streaming', content: 'half' })
    const later = json<Message>(chat.send('GET', path, { token }))
    gate.send(' done')
    gate.end()
    expect(await later).toMatchObject({ status: 'complete', content: 'half done' })
    for (const wait of ['26', '-1', 'x', '1.5', '1e1']) {
      const answer = await chat.send(
        'GET',
        `/v1/chatroom/${roomId}/message/${reply.id}?wait=${wait}`,
        { token },
      )
      expect(answer.status).toBe(422)
    }
  })
})
