import { describe, expect, test } from 'bun:test'
import type { Behaviour } from '#src/standins/gemini/behaviour.ts'
import { createGate } from '#test/support/gate.ts'
import { readEvents, rebuild, type SseEvent } from '#test/support/sse.ts'
import { createTestChat } from '#test/support/test-chat.ts'

type Chat = Awaited<ReturnType<typeof createTestChat>>

const isDone = ({ event }: SseEvent) => event === 'done'
const isDelta = ({ event }: SseEvent) => event === 'delta'

async function follow(chat: Chat, token: string, roomId: string, lastEventId?: string) {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const answer = await chat.send('GET', `/v1/chatroom/${roomId}/events`, { token, headers })
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
  return readEvents(answer)
}

/** A chat whose answers come piece by piece as the test sends them. */
async function gatedChat() {
  const gate = createGate()
  const chat = await createTestChat({ behave: () => ({ kind: 'answer', pieces: gate.pieces() }) })
  const { token } = await chat.signIn()
  const roomId = await chat.openRoom(token)
  return { gate, chat, token, roomId }
}

describe('GET /v1/chatroom/:id/events', () => {
  test('tells the prompt, the reply piece by piece, its end and the quota', async () => {
    const { gate, chat, token, roomId } = await gatedChat()
    const stream = await follow(chat, token, roomId)
    expect((await stream.next())?.event).toBe('quota')
    const { prompt, reply } = await chat.prompt(token, roomId, 'Hi')
    const added = await stream.until(({ data }) => data.role === 'assistant')
    expect(added.map(({ event }) => event)).toEqual(['message', 'message'])
    expect(added[0]?.data).toEqual(prompt)
    expect(added[1]?.data).toEqual(reply)
    expect((await stream.next())?.data).toMatchObject({ used: 1 })
    gate.send('Hello ')
    expect((await stream.next())?.data).toEqual({
      messageId: reply.id,
      attempt: 1,
      offset: 0,
      text: 'Hello ',
    })
    gate.send('you')
    expect((await stream.next())?.data).toEqual({
      messageId: reply.id,
      attempt: 1,
      offset: 6,
      text: 'you',
    })
    gate.end()
    const done = await stream.next()
    expect(done).toMatchObject({
      event: 'done',
      data: { id: reply.id, status: 'complete', content: 'Hello you' },
    })
    expect(done?.data).toEqual(await chat.read(token, roomId, reply.id))
    await stream.leave()
    await chat.stop()
  })

  test('goes on after every single event id, missing nothing and repeating nothing', async () => {
    const { gate, chat, token, roomId } = await gatedChat()
    const whole = await follow(chat, token, roomId)
    const { reply } = await chat.prompt(token, roomId, 'Hi')
    for (const piece of ['One ', 'two ', 'thr😀ee ', 'four']) {
      gate.send(piece)
      await Bun.sleep(0)
    }
    gate.end()
    const events = await whole.until(isDone)
    expect(rebuild(events).get(reply.id)).toBe('One two thr😀ee four')
    for (const [at, { id }] of events.entries()) {
      const resumed = await follow(chat, token, roomId, id)
      const rest = at === events.length - 1 ? [] : await resumed.until(isDone)
      const before = events.slice(0, at + 1)
      expect(rebuild([...before, ...rest]).get(reply.id)).toBe('One two thr😀ee four')
      const named = (list: SseEvent[]) =>
        list
          .filter(({ event }) => ['message', 'done'].includes(event))
          .map(({ event, data }) => event + data.id)
      expect(named([...before, ...rest])).toEqual(named(events))
      await resumed.leave()
    }
    await chat.stop()
  })

  test('shows a reader that connects before the first piece the reply as it starts', async () => {
    const { gate, chat, token, roomId } = await gatedChat()
    const { reply } = await chat.prompt(token, roomId, 'Hi')
    const stream = await follow(chat, token, roomId)
    gate.send('Late ')
    const [first] = (await stream.until(isDelta)).slice(-1)
    expect(first?.data).toMatchObject({ messageId: reply.id, offset: 0, text: 'Late ' })
    const second = await follow(chat, token, roomId)
    expect((await second.until(isDelta)).at(-1)?.data).toMatchObject({ offset: 0, text: 'Late ' })
    gate.send('news')
    expect((await stream.next())?.data).toMatchObject({ offset: 5, text: 'news' })
    expect((await second.until(isDelta)).at(-1)?.data).toMatchObject({ offset: 5, text: 'news' })
    gate.end()
    await stream.until(isDone)
    await second.until(isDone)
    await chat.stop()
  })

  test('starts from the present state for an unknown, foreign or malformed Last-Event-ID', async () => {
    const { gate, chat, token, roomId } = await gatedChat()
    const other = await chat.openRoom(token)
    const { reply } = await chat.prompt(token, roomId, 'Hi')
    gate.send('text')
    const stream = await follow(chat, token, roomId)
    const delta = (await stream.until(isDelta)).at(-1)
    const future = Buffer.from(`1.${roomId.slice(-12)}.999.2.1.3.`).toString('base64url')
    for (const id of [
      '',
      'x',
      '-1',
      '../..',
      'é',
      '9'.repeat(5_000),
      future,
      Buffer.from('1.zz').toString('base64url'),
    ]) {
      const resumed = await follow(
        chat,
        token,
        roomId,
        id.normalize('NFD').replaceAll(/[^ -~]/g, '?'),
      )
      const last = (await resumed.until(isDelta)).at(-1)
      expect(last?.data).toMatchObject({ messageId: reply.id, offset: 0, text: 'text' })
      await resumed.leave()
    }
    const foreign = await follow(chat, token, other, delta?.id)
    expect((await foreign.next())?.event).toBe('quota')
    gate.end()
    await stream.until(isDone)
    await chat.stop()
  })

  test('resets when the provider breaks off and the next attempt answers', async () => {
    const plan: Behaviour[] = [
      { kind: 'cut', pieces: 2 },
      { kind: 'answer', pieces: ['whole ', 'answer'] },
    ]
    const chat = await createTestChat({ behave: () => plan.shift() ?? { kind: 'empty' } })
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const stream = await follow(chat, token, roomId)
    const { reply } = await chat.prompt(token, roomId, 'Is it broken?')
    const events = await stream.until(isDelta)
    const broken = follow(chat, token, roomId, events.at(-1)?.id)
    // The retry waits for its backoff, one second at most.
    const rest = stream.until(isDone)
    await helpOn(chat, token, roomId, reply.id)
    const all = [...events, ...(await rest)]
    expect(all.filter(({ event }) => event === 'reset').map(({ data }) => data)).toEqual([
      { messageId: reply.id, attempt: 2 },
    ])
    expect(rebuild(all).get(reply.id)).toBe('whole answer')
    const resumed = [...events, ...(await (await broken).until(isDone))]
    expect(rebuild(resumed).get(reply.id)).toBe('whole answer')
    await chat.stop()
  })

  test('never splits a surrogate pair', async () => {
    const { gate, chat, token, roomId } = await gatedChat()
    const { reply } = await chat.prompt(token, roomId, 'Hi')
    const stream = await follow(chat, token, roomId)
    const emoji = '😀'
    gate.send(`a${emoji[0]}`)
    gate.send(`${emoji[1]}b`)
    gate.end()
    const events = await stream.until(isDone)
    for (const { data } of events.filter(isDelta)) expect(data.text.isWellFormed()).toBe(true)
    expect(rebuild(events).get(reply.id)).toBe(`a${emoji}b`)
    await chat.stop()
  })

  test('ends when the room is deleted and when the session is over', async () => {
    const { chat, token, roomId } = await gatedChat()
    const other = await chat.openRoom(token)
    const [deleted, loggedOut] = [
      await follow(chat, token, roomId),
      await follow(chat, token, other),
    ]
    await deleted.next()
    await loggedOut.next()
    await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })
    expect(await deleted.next()).toBeUndefined()
    chat.database.sqlite.run('UPDATE sessions SET ended_at = 1')
    await chat.clock.advance(15_000)
    expect(await loggedOut.next()).toBeUndefined()
    expect(chat.services.eventHub.size).toBe(0)
    await chat.stop()
  })

  test('forgets a reader that left and cuts off one that does not read', async () => {
    const { gate, chat, token, roomId } = await gatedChat()
    const gone = await follow(chat, token, roomId)
    await gone.next()
    expect(chat.services.eventHub.size).toBe(1)
    await gone.leave()
    expect(chat.services.eventHub.size).toBe(0)
    const answer = await chat.send('GET', `/v1/chatroom/${roomId}/events`, { token })
    await chat.prompt(token, roomId, 'Hi')
    gate.send('unread')
    expect(chat.services.eventHub.size).toBe(1)
    await chat.clock.advance(31_000)
    expect(chat.services.eventHub.size).toBe(0)
    const left = await answer.body
      ?.getReader()
      .read()
      .then(
        () => 'read',
        () => 'cut off',
      )
    expect(left).toBe('cut off')
    gate.end()
    await chat.stop()
  })

  test('is nobody else’s', async () => {
    const { chat, roomId } = await gatedChat()
    const stranger = await chat.signIn()
    expect((await chat.send('GET', `/v1/chatroom/${roomId}/events`, stranger)).status).toBe(404)
    expect((await chat.send('GET', `/v1/chatroom/${roomId}/events`)).status).toBe(401)
    await chat.stop()
  })
})

/** Moves the clock on until the reply is final. */
async function helpOn(chat: Chat, token: string, roomId: string, replyId: string) {
  for (let seconds = 0; seconds < 600; seconds++) {
    if ((await chat.read(token, roomId, replyId)).completedAt !== null) return
    await chat.clock.advance(500)
    await Bun.sleep(1)
  }
  throw new Error('The reply did not become final')
}
