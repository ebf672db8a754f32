import { afterEach, describe, expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { titlePrompt, toTitle } from '#src/modules/titles/title.ts'
import type { Behaviour, Call } from '#standins/gemini/behaviour.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createGate } from '#test/support/gate.ts'
import { json } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

let open: Awaited<ReturnType<typeof createTestChat>> | undefined
afterEach(async () => {
  await open?.stop()
  open = undefined
})

/** `name` is what the provider does when it is asked for a name, in turn; then it answers. */
async function talk(options: { autoTitle?: boolean; room?: object; name?: Behaviour[] } = {}) {
  const left = [...(options.name ?? [])]
  const behave = ({ prompt }: Call): Behaviour =>
    prompt.startsWith('Name this conversation')
      ? (left.shift() ?? { kind: 'answer', pieces: ['"Packing ', 'for Bergen."\n'] })
      : { kind: 'answer', pieces: ['A rain jacket'] }
  const chat = await createTestChat({ behave, settings: { autoTitle: options.autoTitle ?? true } })
  open = chat
  const owner = await chat.signIn()
  const { token } = owner
  const roomId = await chat.openRoom(token, options.room ?? {})
  const unfinished = chat.database.sqlite.query('SELECT 1 FROM jobs WHERE ended_at IS NULL')
  const running = chat.database.sqlite.query("SELECT 1 FROM jobs WHERE state = 'running'")
  const say = async (text: string) => {
    const { reply } = await chat.prompt(token, roomId, text)
    await chat.final(token, roomId, reply.id)
    // A running job waits for a real answer over loopback; only what waits for a retry needs the clock.
    while (unfinished.get()) {
      await turns(5)
      if (!running.get()) await chat.clock.advance(1_000)
    }
  }
  const title = async () =>
    (await json<Room>(chat.send('GET', `/v1/chatroom/${roomId}`, { token }))).title
  const prompt = (text: string) => chat.prompt(token, roomId, text)
  return { chat, token, owner, roomId, say, prompt, title }
}

describe('An automatic title', () => {
  test('names the room after its first exchange, once, and costs the user nothing', async () => {
    const { chat, owner, say, title } = await talk()
    await say('What shall I pack for Bergen?')
    expect(await title()).toBe('Packing for Bergen')
    expect(chat.gemini.calls[1]?.prompt).toContain(
      'User: What shall I pack for Bergen?\nAssistant: A rain jacket',
    )
    expect((await chat.services.quotas.read(owner)).used).toBe(1)
    await say('And for Oslo?')
    expect(chat.gemini.calls).toHaveLength(3)
  })

  test('never replaces one that a person gave, before or after', async () => {
    const given = await talk({ room: { title: 'Mine' } })
    await given.say('Hi')
    expect(await given.title()).toBe('Mine')
    expect(given.chat.gemini.calls).toHaveLength(1)
    await given.chat.stop()
    const renamed = await talk()
    await renamed.say('Hi')
    await renamed.chat.send('PATCH', `/v1/chatroom/${renamed.roomId}`, {
      token: renamed.token,
      body: { title: 'Mine' },
    })
    await renamed.say('Hi again')
    expect(await renamed.title()).toBe('Mine')
  })

  test('that arrives after a person renamed the room is thrown away', async () => {
    const gate = createGate()
    const { chat, token, roomId, title, prompt } = await talk({
      name: [{ kind: 'answer', pieces: gate.pieces() }],
    })
    const { reply } = await prompt('Hi')
    await chat.final(token, roomId, reply.id)
    while (chat.gemini.calls.length < 2) await turns(1)
    // The model is naming the room now.
    const renamed = await chat.send('PATCH', `/v1/chatroom/${roomId}`, {
      token,
      body: { title: 'Mine' },
    })
    expect(renamed.status).toBe(200)
    gate.send('Theirs')
    gate.end()
    while (chat.database.sqlite.query('SELECT 1 FROM jobs WHERE ended_at IS NULL').get()) {
      await turns(1)
    }
    expect(await title()).toBe('Mine')
    const by = chat.database.sqlite.query('SELECT title_by AS by FROM chatrooms').get()
    expect(by).toEqual({ by: 'person' })
  })

  test('is off with AUTO_TITLE=false', async () => {
    const { chat, say, title } = await talk({ autoTitle: false })
    await say('Hi')
    expect(await title()).toBe('New chat')
    expect(chat.gemini.calls).toHaveLength(1)
  })

  test.each<[Behaviour]>([
    [{ kind: 'status', status: 503 }],
    [{ kind: 'status', status: 429, retryDelay: '7s' }],
    [{ kind: 'cut', pieces: 1 }],
    [{ kind: 'answer', pieces: [{ text: 'A thought', thought: true }] }],
  ])('is asked for again after %j, without a further exchange', async (fault) => {
    const { chat, say, title } = await talk({ name: [fault] })
    await say('Hi')
    expect(await title()).toBe('Packing for Bergen')
    expect(chat.gemini.calls).toHaveLength(3)
  })

  test('that keeps failing is given up after five tries, and tried again after the next exchange', async () => {
    const { chat, say, title } = await talk({
      name: Array.from({ length: 5 }, () => ({ kind: 'status', status: 503 })),
    })
    await say('Hi')
    expect(await title()).toBe('New chat')
    expect(chat.gemini.calls).toHaveLength(6)
    await say('Hi again')
    expect(await title()).toBe('Packing for Bergen')
    expect(chat.gemini.calls).toHaveLength(8)
  })

  test('holds no control character and no half of a character', async () => {
    const pieces = ['Ber\u001b[2Jg\u202een\0', ' \ud83e', '\ude90 \ud83e']
    const { say, title } = await talk({ name: [{ kind: 'answer', pieces }] })
    await say('Hi')
    expect(await title()).toBe('Ber [2Jg en 🪐 \ufffd')
  })

  test('is one short line without quotes', () => {
    expect(toTitle('“A  title”.\nand more')).toBe('A title')
    expect(toTitle('**Bold**')).toBe('Bold')
    expect(toTitle(' \n ')).toBeUndefined()
    expect([...(toTitle('😀'.repeat(100)) ?? '')]).toHaveLength(60)
  })

  test('cuts no emoji in half, in what is asked and in what is answered', () => {
    const text = `${'a'.repeat(499)}😀${'a'.repeat(499)}`
    expect(titlePrompt(text, text).isWellFormed()).toBe(true)
    expect(toTitle(`${'"'.repeat(499)}😀`)).toBe('😀')
  })
})
