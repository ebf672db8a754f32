import { describe, expect, test } from 'bun:test'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { rebuild, type SseEvent } from '#test/support/sse.ts'
import { createTestChat } from '#test/support/test-chat.ts'
import { follow, gatedChat, helpOn, isDelta, isDone } from '#test/support/test-stream.ts'

describe('GET /v1/chatroom/:id/events', () => {
  test('sends the prompt, the reply piece by piece, its end and the quota', async () => {
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
    // Nothing more is told of it: the next event is the next prompt's.
    const next = await chat.prompt(token, roomId, 'And now?')
    expect(await stream.next()).toMatchObject({ event: 'message', data: { id: next.prompt.id } })
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

  test('sends a reader that connects before the first piece the reply as it starts', async () => {
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
})
