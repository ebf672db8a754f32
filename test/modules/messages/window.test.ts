import { afterEach, describe, expect, test } from 'bun:test'
import type { Accepted } from '#src/modules/messages/model.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { json } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

let open: Awaited<ReturnType<typeof createTestChat>> | undefined
afterEach(async () => {
  await open?.stop()
  open = undefined
})

/** A room in which the model does these things in turn; `asked` gives what it saw with the last of them. */
async function setUp(plan: Behaviour[]) {
  const left = [...plan]
  const chat = await createTestChat({ behave: () => left.shift() ?? { kind: 'answer' } })
  open = chat
  const { token } = await chat.signIn()
  const roomId = await chat.openRoom(token)
  return {
    async say(text: string) {
      const { reply } = await chat.prompt(token, roomId, text)
      return chat.final(token, roomId, reply.id)
    },
    async regenerate(replyId: string) {
      const path = `/v1/chatroom/${roomId}/message/${replyId}/regenerate`
      const { reply } = await json<Accepted>(chat.send('POST', path, { token }))
      return chat.final(token, roomId, reply.id)
    },
    asked: () => chat.gemini.calls.at(-1)?.contents.map(({ text }) => text),
  }
}

const answer = (text: string): Behaviour => ({ kind: 'answer', pieces: [text] })

describe('The window of a conversation', () => {
  test('holds the latest version of a regenerated reply, and not the one that was rejected', async () => {
    const { say, regenerate, asked } = await setUp([answer('first'), answer('second'), answer('-')])
    const { id } = await say('Hi')
    expect(await regenerate(id)).toMatchObject({ version: 2, content: 'second' })
    await say('And?')
    expect(asked()).toEqual(['Hi', 'second', 'And?'])
  })

  test('does not hold the earlier exchange while a reply is regenerated', async () => {
    const { say, regenerate, asked } = await setUp([answer('first'), answer('second')])
    const { id } = await say('Hi')
    await regenerate(id)
    expect(asked()).toEqual(['Hi'])
  })

  test('holds the version before where the latest was withheld', async () => {
    const blocked: Behaviour = { kind: 'block', at: 'prompt', reason: 'SAFETY' }
    const { say, regenerate, asked } = await setUp([answer('first'), blocked, answer('-')])
    const { id } = await say('Hi')
    expect(await regenerate(id)).toMatchObject({ status: 'blocked' })
    await say('And?')
    expect(asked()).toEqual(['Hi', 'first', 'And?'])
  })

  test('holds no thoughts of the model', async () => {
    const thinking: Behaviour = {
      kind: 'answer',
      pieces: [{ text: 'Let me think.', thought: true }, 'first'],
    }
    const { say, asked } = await setUp([thinking, answer('-')])
    await say('Hi')
    await say('And?')
    expect(asked()).toEqual(['Hi', 'first', 'And?'])
  })
})
