import { afterEach, describe, expect, test } from 'bun:test'
import { createTestChat } from '#test/support/test-chat.ts'

let open: Awaited<ReturnType<typeof createTestChat>> | undefined
afterEach(async () => {
  await open?.stop()
  open = undefined
})

type Chat = Awaited<ReturnType<typeof createTestChat>>

async function ask(chat: Chat, token: string, roomId: string, text: string): Promise<string> {
  const { reply } = await chat.prompt(token, roomId, text)
  await chat.final(token, roomId, reply.id)
  return reply.id
}

describe('The window of the next prompt', () => {
  test('goes further back than one read', async () => {
    const chat = await createTestChat({ settings: { basicDailyPrompts: 50 } })
    open = chat
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    for (let at = 0; at < 43; at++) await ask(chat, token, roomId, `number ${at}`)
    const last = chat.gemini.calls.at(-1)
    expect(
      last?.contents.map(({ text }) => text).filter((text) => /^number \d+$/.test(text)),
    ).toEqual(Array.from({ length: 43 }, (_, at) => `number ${at}`))
    expect(last?.contents).toHaveLength(85)
  })

  test('is measured by what the provider counted last, also when it did not count the latest reply', async () => {
    // A token a character, where four characters a token are assumed of a room that knows no better.
    const chat = await createTestChat({
      settings: { contextTokens: 250, systemPrompt: 'x'.repeat(10) },
      behave: ({ system, contents }) => ({
        kind: 'answer',
        pieces: ['0123456789'],
        usage: {
          promptTokenCount:
            system.length + contents.reduce((sum, { text }) => sum + text.length, 0),
          candidatesTokenCount: 10,
        },
      }),
    })
    open = chat
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const prompt = 'y'.repeat(90)
    for (let at = 0; at < 3; at++) await ask(chat, token, roomId, prompt)
    // 150 are left beside instruction and prompt, and an exchange takes 100: both would fit at four characters a token.
    expect(chat.gemini.calls.map(({ contents }) => contents.length)).toEqual([1, 3, 3])

    const uncounted = await ask(chat, token, roomId, prompt)
    chat.database.sqlite.run('UPDATE messages SET prompt_tokens = NULL WHERE id = ?', [uncounted])
    await ask(chat, token, roomId, prompt)
    expect(chat.gemini.calls.at(-1)?.contents).toHaveLength(3)
  })
})
