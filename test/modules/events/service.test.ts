import { describe, expect, test } from 'bun:test'
import { REPLY_ENDED } from '#src/plugins/topics.ts'
import { follow, gatedChat } from '#test/support/test-stream.ts'

describe('A stream', () => {
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

  test('ends at once when the account is deleted, and nothing of the reply is kept', async () => {
    const { gate, chat, token, userId, roomId } = await gatedChat()
    const stream = await follow(chat, token, roomId)
    await chat.prompt(token, roomId, 'Hi')
    gate.send('half')
    while ((await stream.next())?.event !== 'delta');
    const ended: unknown[] = []
    chat.database.notifications.subscribe(REPLY_ENDED, (id) => ended.push(id))
    expect(await chat.services.users.erase(userId)).toBe(true)
    while (await stream.next());
    expect(chat.services.eventHub.size).toBe(0)
    expect(ended).toHaveLength(1)
    gate.end()
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

  test('sends the new quota when the daily reset runs', async () => {
    const { gate, chat, token, roomId } = await gatedChat()
    const { reply } = await chat.prompt(token, roomId, 'Hi')
    gate.send('Hello')
    gate.end()
    await chat.final(token, roomId, reply.id)
    const stream = await follow(chat, token, roomId)
    expect((await stream.next())?.data).toMatchObject({ used: 1 })
    chat.clock.set(Date.UTC(2026, 10, 23))
    await chat.services.maintenance
      .find(({ name }) => name === 'show the new day to open streams')
      ?.run(AbortSignal.any([]))
    expect(await stream.next()).toMatchObject({
      event: 'quota',
      data: { limit: 5, used: 0, remaining: 5, resetsAt: '2026-11-24T00:00:00.000Z' },
    })
    await stream.leave()
    await chat.stop()
  })

  test('can be opened only by the owner of the room', async () => {
    const { chat, roomId } = await gatedChat()
    const stranger = await chat.signIn()
    expect((await chat.send('GET', `/v1/chatroom/${roomId}/events`, stranger)).status).toBe(404)
    expect((await chat.send('GET', `/v1/chatroom/${roomId}/events`)).status).toBe(401)
    await chat.stop()
  })
})
