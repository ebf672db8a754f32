import { afterEach, describe, expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import type { Message } from '#src/modules/messages/model.ts'
import { turns } from '#test/support/fake-clock.ts'
import { json } from '#test/support/test-app.ts'
import { gatedChat } from '#test/support/test-stream.ts'

let open: Awaited<ReturnType<typeof gatedChat>> | undefined
afterEach(async () => {
  open?.gate.end()
  await open?.chat.stop()
  open = undefined
})

/** Somebody who waits for a reply that does not come yet. */
async function setUp() {
  open = await gatedChat()
  const { gate, chat, token, roomId } = open
  const { reply } = await chat.prompt(token, roomId, 'Hi')
  const waiting = chat.clock.timers().length
  const answer = chat.send('GET', `/v1/chatroom/${roomId}/message/${reply.id}?wait=25`, { token })
  while (chat.clock.timers().length === waiting) await turns(1)
  return { gate, chat, token, roomId, reply, answer }
}

describe('A request that waits for a reply while the session ends', () => {
  test('is answered with 401 and learns nothing of the reply', async () => {
    const { gate, chat, token, answer } = await setUp()
    expect((await chat.send('POST', '/v1/auth/logout', { token })).status).toBe(204)
    gate.send('private')
    gate.end()
    const refused = await answer
    expect(refused.status).toBe(401)
    expect(await refused.text()).not.toContain('private')
  })

  test('is answered within a second where another process ended the session', async () => {
    const { chat, answer } = await setUp()
    chat.database.sqlite.run('UPDATE sessions SET ended_at = 1')
    await chat.clock.advance(SECOND)
    expect((await answer).status).toBe(401)
  })
})

test('Requests that wait for a reply when the server stops are answered with its present state', async () => {
  const { chat, token, roomId, reply, answer } = await setUp()
  chat.services.messages.endWaits()
  const path = `/v1/chatroom/${roomId}/message/${reply.id}?wait=25`
  for (const one of [answer, chat.send('GET', path, { token })]) {
    expect((await one).status).toBe(200)
    expect(await json<Message>(one)).toMatchObject({ id: reply.id, completedAt: null })
  }
})
