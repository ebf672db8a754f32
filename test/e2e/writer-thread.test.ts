import { expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import { fromSource, UNLIMITED } from '#test/support/server.ts'
import { createWorld } from './world.ts'

const ROOMS = 16
const PROMPTS = 4

test('with commits on a thread of their own every prompt is accepted and answered once', async () => {
  await using world = await createWorld(
    { command: fromSource },
    { settings: { ...UNLIMITED, WRITER_THREAD: 'always' } },
  )
  const server = await world.start()
  const token = await world.signIn()
  const rooms = await Promise.all(
    Array.from({ length: ROOMS }, () =>
      world.call<Room>('POST', '/v1/chatroom', { token, body: {} }),
    ),
  )
  /** One prompt after the other. */
  async function prompts(room: string): Promise<string[]> {
    const replies: string[] = []
    for (let at = 0; at < PROMPTS; at++) {
      const accepted = await world.call<Accepted>('POST', `/v1/chatroom/${room}/message`, {
        token,
        body: { userPrompt: 'hello' },
      })
      expect(accepted.status).toBe(202)
      replies.push(accepted.body.reply.id)
    }
    return replies
  }
  const sent = await Promise.all(
    rooms.map(async ({ body: { id } }) => ({ id, replies: await prompts(id) })),
  )
  for (const { id, replies } of sent) {
    const last = `/v1/chatroom/${id}/message/${replies.at(-1)}?wait=25`
    const answer = await world.call<Message>('GET', last, { token })
    expect(answer.body.status).toBe('complete')
  }
  expect(await server.stop('SIGTERM')).toBe(0)
  expect(world.gemini.calls.length).toBe(sent.flatMap(({ replies }) => replies).length)
}, 60_000)
