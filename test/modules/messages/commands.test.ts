import { describe, expect, test } from 'bun:test'
import type { Accepted } from '#src/modules/messages/model.ts'
import { json } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

type Chat = Awaited<ReturnType<typeof createTestChat>>

function postAgain(chat: Chat, token: string, roomId: string, userPrompt = 'Hello') {
  const headers = { 'idempotency-key': 'lost' }
  return chat.send('POST', `/v1/chatroom/${roomId}/message`, {
    token,
    headers,
    body: { userPrompt },
  })
}

describe('A prompt sent again', () => {
  test('with its Idempotency-Key has the first answer, also when the quota is used up', async () => {
    const chat = await createTestChat({ settings: { basicDailyPrompts: 1 } })
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const post = () => postAgain(chat, token, roomId)
    const answers = await Promise.all(Array.from({ length: 10 }, post))
    const ids = await Promise.all(
      answers.map(async (answer) => (await json<Accepted>(answer)).reply.id),
    )
    expect(answers.every(({ status }) => status === 202)).toBe(true)
    expect(new Set(ids).size).toBe(1)
    expect(
      answers.filter(({ headers: sent }) => sent.get('idempotent-replayed') === 'true'),
    ).toHaveLength(9)
    expect(
      answers.every(({ headers: sent }) => sent.get('ratelimit') === '"daily";r=0;t=43200'),
    ).toBe(true)
    expect(chat.gemini.calls.length).toBeLessThanOrEqual(1)
    await chat.stop()
  })

  test('has the first answer also when the reply is final, and 404 when the room is gone', async () => {
    const chat = await createTestChat()
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const post = () => postAgain(chat, token, roomId, 'What I say to nobody else')
    const first = await post()
    const text = await first.text()
    const { reply } = JSON.parse(text)
    await chat.final(token, roomId, reply.id)
    await chat.prompt(token, roomId, 'Another')
    const replayed = await post()
    expect(await replayed.text()).toBe(text)
    expect(replayed.headers.get('location')).toBe(first.headers.get('location'))
    expect(replayed.headers.get('idempotent-replayed')).toBe('true')
    await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })
    expect((await post()).status).toBe(404)
    const { sqlite } = chat.database
    const [row] = sqlite.query("SELECT * FROM idempotency_keys WHERE key = 'lost'").all()
    expect(JSON.stringify(row)).not.toContain('What I say')
    await chat.stop()
  })

  test('is 404 as soon as its room is taken from its owner, though the messages are still there', async () => {
    const chat = await createTestChat()
    const [{ token }, other] = [await chat.signIn(), await chat.signIn()]
    const roomId = await chat.openRoom(token)
    const post = () => postAgain(chat, token, roomId)
    expect((await post()).status).toBe(202)
    // As a large room is, which is erased bit by bit.
    const give = 'UPDATE chatrooms SET user_id = ? WHERE id = ?'
    chat.database.sqlite.run(give, [other.userId, roomId])
    expect((await post()).status).toBe(404)
    await chat.stop()
  })
})
