import { expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import type { World, WorldOptions } from './world.ts'

const TEST_MS = 40_000

/** As a proxy in front of the API may send it: the built file must have the same reader of event streams. */
const odd: Behaviour = {
  kind: 'raw',
  chunks: [
    '\ufeff: hello\r\nretry:9\r\nid: 1\r\n',
    'event: message\rdata:{"candidates":[{"content":{"parts":[\rdata:{"text":"hm","thought":true},',
    '{"text":"Oné \\ud83e"}]}}]}\r\rdata: {"candidates":[{"content":{"parts":[{"text":"\\ude90\\u0000"}]},',
    '"finishReason":"STOP"}]}\n\ndata: [DONE]\n\n',
  ],
}

export function testModelAnswers(world: (options?: WorldOptions) => Promise<World>): void {
  test(
    'an answer is read from any event stream, without thoughts and well-formed',
    async () => {
      await using here = await world({ behave: () => odd })
      await here.start()
      const token = await here.signIn()
      const { body: room } = await here.call<Room>('POST', '/v1/chatroom', { token })
      const path = `/v1/chatroom/${room.id}/message`
      const body = { userPrompt: 'Hi' }
      const { reply } = (await here.call<Accepted>('POST', path, { token, body })).body
      const answer = await here.call<Message>('GET', `${path}/${reply.id}?wait=25`, { token })
      expect(answer.body).toMatchObject({ status: 'complete', content: 'Oné 🪐' })
      expect(here.gemini.calls).toHaveLength(1)
    },
    TEST_MS,
  )
}
