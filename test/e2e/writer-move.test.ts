import { expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import { fromSource, UNLIMITED } from '#test/support/server.ts'
import { createWorld } from './world.ts'

const ROOMS = 16
const MOVED = 'commits are made by a thread of their own'

test('under load the commits move to a thread; every prompt is accepted and answered once', async () => {
  await using world = await createWorld({ command: fromSource }, { settings: UNLIMITED })
  const server = await world.start()
  const token = await world.signIn()
  const rooms = await Promise.all(
    Array.from({ length: ROOMS }, () =>
      world.call<Room>('POST', '/v1/chatroom', { token, body: {} }),
    ),
  )
  let hasMoved = false
  void server
    .line((line) => line.includes(MOVED))
    .then(() => {
      hasMoved = true
    })
  /** Prompts one room after the other until the writer has moved, and twice more. */
  async function prompts(room: string): Promise<string[]> {
    const replies: string[] = []
    for (let after = 0; after < 2; after += hasMoved ? 1 : 0) {
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
