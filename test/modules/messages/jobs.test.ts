import { afterEach, describe, expect, test } from 'bun:test'
import { createLog } from '#src/lib/log.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import type { Behaviour, Call } from '#standins/gemini/behaviour.ts'
import { turns } from '#test/support/fake-clock.ts'
import { json } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

type Chat = Awaited<ReturnType<typeof createTestChat>>

let open: Chat | undefined
afterEach(async () => {
  await open?.stop()
  open = undefined
})

/** One prompt to a provider that does these things in turn, then answers. */
async function ask(plan: Behaviour[], settings: Parameters<typeof createTestChat>[0] = {}) {
  const left = [...plan]
  const chat = await createTestChat({
    ...settings,
    behave: () => left.shift() ?? { kind: 'answer', pieces: ['fine'] },
  })
  open = chat
  const owner = await chat.signIn()
  const { token } = owner
  const roomId = await chat.openRoom(token)
  const { reply } = await chat.prompt(token, roomId, 'How are you?')
  const used = async () => (await chat.services.quotas.read(owner)).used
  const final = (stepMs?: number) => settle(chat, token, roomId, reply.id, stepMs)
  return { chat, token, roomId, reply, used, final }
}

/** Moves the clock until the reply is final; the loopback calls in between are real, and it stands still for them. */
async function settle(
  chat: Chat,
  token: string,
  roomId: string,
  replyId: string,
  stepMs: number = SECOND,
): Promise<Message> {
  const giveUpAt = chat.clock.now() + 20 * MINUTE
  while (chat.clock.now() < giveUpAt) {
    for (let wait = 0; wait < 20 || chat.isAsking(); wait++) {
      const message = await chat.read(token, roomId, replyId)
      if (message.completedAt !== null) return message
      await turns(10)
    }
    await chat.clock.advance(stepMs)
  }
  throw new Error('The reply did not become final')
}

describe('A reply', () => {
  test('is tried again after a broken, half, empty or unreadable answer, and never stored so', async () => {
    const faults: Behaviour[] = [
      { kind: 'cut', pieces: 1 },
      { kind: 'unfinished', pieces: 2 },
      { kind: 'empty' },
      { kind: 'malformed' },
    ]
    const { chat, final, used } = await ask(faults)
    expect(await final()).toMatchObject({ status: 'complete', content: 'fine' })
    expect(chat.gemini.calls).toHaveLength(5)
    expect(await used()).toBe(1)
  })

  test('fails with a reason after five errors and gives the quota back', async () => {
    const { chat, final, used } = await ask(
      Array.from({ length: 9 }, () => ({ kind: 'cut', pieces: 2 })),
    )
    const message = await final()
    expect(message).toMatchObject({
      status: 'failed',
      content: '',
      error: { code: 'assistant-unavailable' },
    })
    expect(chat.gemini.calls).toHaveLength(5)
    expect(await used()).toBe(0)
  })

  test('waits as long as a 429 asks, as do all that need the same model, and counts no error', async () => {
    const limited: Behaviour = { kind: 'status', status: 429, retryDelay: '7s' }
    const { chat, token, final } = await ask(Array.from({ length: 7 }, () => limited))
    const other = await chat.openRoom(token)
    while ((await chat.services.provider.pauses()).length === 0) await turns(1)
    const second = await chat.prompt(token, other, 'And me?')
    await turns(50)
    expect(chat.gemini.calls).toHaveLength(1)
    const startedAt = chat.clock.now()
    expect(await final()).toMatchObject({ status: 'complete' })
    expect(chat.clock.now() - startedAt).toBeGreaterThanOrEqual(6 * SECOND)
    expect(await settle(chat, token, other, second.reply.id)).toMatchObject({ status: 'complete' })
  })

  test('comes from the next model when one is overloaded or gone', async () => {
    const models: string[] = []
    const behave = ({ model }: Call): Behaviour => {
      models.push(model)
      if (model === 'one') return { kind: 'status', status: 503 }
      if (model === 'two') return { kind: 'status', status: 404 }
      return { kind: 'answer', pieces: ['from three'] }
    }
    open = await createTestChat({
      behave,
      settings: { geminiModel: 'one', geminiFallbackModels: ['two', 'three'] },
    })
    const { token } = await open.signIn()
    const roomId = await open.openRoom(token)
    const { reply } = await open.prompt(token, roomId, 'Hi')
    expect(await settle(open, token, roomId, reply.id)).toMatchObject({
      content: 'from three',
      model: 'three',
    })
    expect(models).toEqual(['one', 'two', 'three'])
  })

  for (const [at, reason] of [
    ['prompt', 'SAFETY'],
    ['prompt', 'PROHIBITED_CONTENT'],
    ['answer', 'SAFETY'],
    ['answer', 'RECITATION'],
    ['answer', 'BLOCKLIST'],
  ] as const) {
    test(`is blocked, without its text, when the provider refuses the ${at} for ${reason}`, async () => {
      const { chat, final, used } = await ask([{ kind: 'block', at, reason, pieces: 1 }])
      expect(await final()).toMatchObject({
        status: 'blocked',
        content: '',
        error: { code: reason },
      })
      expect(chat.gemini.calls).toHaveLength(1)
      expect(await used()).toBe(1)
    })
  }

  test('cut at the model’s limit is complete and says so', async () => {
    const { final } = await ask([{ kind: 'answer', pieces: ['long'], finishReason: 'MAX_TOKENS' }])
    expect(await final()).toMatchObject({
      status: 'complete',
      content: 'long',
      finishReason: 'MAX_TOKENS',
    })
  })

  for (const [status, message, code] of [
    [400, 'bad request', 'assistant-refused'],
    [404, 'no such model', 'assistant-refused'],
  ] as const) {
    test(`fails at once for good on ${status} ${message}, showing nothing of it`, async () => {
      const { chat, final, used } = await ask([{ kind: 'status', status, message }])
      const reply = await final()
      expect(reply).toMatchObject({ status: 'failed', content: '', error: { code } })
      expect(reply.error?.message).not.toContain(message)
      expect(chat.gemini.calls).toHaveLength(1)
      expect(await used()).toBe(0)
    })
  }

  test('that the provider refuses for good is logged with its job and trace', async () => {
    const lines: Record<string, unknown>[] = []
    const log = createLog('error', { to: { write: (line) => lines.push(JSON.parse(line)) } })
    const behave = (): Behaviour => ({ kind: 'status', status: 404, message: 'no such model' })
    const chat = await createTestChat({ behave, log })
    open = chat
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token)
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const accepted = await chat.send('POST', `/v1/chatroom/${roomId}/message`, {
      token,
      body: { userPrompt: 'Hello' },
      headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    })
    const { reply } = await json<Accepted>(accepted)
    await settle(chat, token, roomId, reply.id)
    const { job } = lines[1] ?? {}
    expect(lines).toMatchObject([
      { model: 'gemini-2.5-flash-lite' },
      { job: expect.any(Number), traceId },
    ])
    expect(
      chat.database.sqlite.query('SELECT kind FROM jobs WHERE id = ?').get(Number(job)),
    ).toEqual({ kind: 'message.reply' })
  })

  test('is tried again when the provider says nothing, or falls silent', async () => {
    const { chat, final } = await ask([{ kind: 'hang' }, { kind: 'hang', pieces: 1 }])
    const startedAt = chat.clock.now()
    expect(await final()).toMatchObject({ status: 'complete', content: 'fine' })
    expect(chat.clock.now() - startedAt).toBeGreaterThanOrEqual(120 * SECOND)
  })

  test('fails when its deadline has passed', async () => {
    const { final, used } = await ask(
      Array.from({ length: 99 }, () => ({ kind: 'status', status: 429, retryDelay: '59s' })),
    )
    expect(await final(MINUTE)).toMatchObject({ status: 'failed', error: { code: 'too-late' } })
    expect(await used()).toBe(0)
  })

  test('has the deadline that REPLY_DEADLINE_MINUTES sets', async () => {
    const busy: Behaviour = { kind: 'status', status: 429, retryDelay: '59s' }
    const plan = Array.from({ length: 9 }, () => busy)
    const { chat, final } = await ask(plan, { settings: { replyDeadlineMinutes: 3 } })
    const startedAt = chat.clock.now()
    expect(await final(MINUTE)).toMatchObject({ status: 'failed', error: { code: 'too-late' } })
    // The clock moves a minute at a time, and the end of a job that runs at its deadline is a step later.
    expect(chat.clock.now() - startedAt).toBeLessThanOrEqual(5 * MINUTE)
  })

  test('records usage and what the model saw', async () => {
    const { chat, token, roomId, final } = await ask([
      { kind: 'answer', pieces: ['a'], usage: { promptTokenCount: 11, candidatesTokenCount: 3 } },
    ])
    expect(await final()).toMatchObject({
      usage: { promptTokens: 11, replyTokens: 3 },
      contextMessages: 0,
    })
    const second = await chat.prompt(token, roomId, 'And?')
    expect(await settle(chat, token, roomId, second.reply.id)).toMatchObject({ contextMessages: 2 })
  })

  test('uses the room’s own model and instruction', async () => {
    open = await createTestChat({ settings: { geminiModels: ['gemini-pro'] } })
    const { token } = await open.signIn()
    const roomId = await open.openRoom(token, {
      model: 'gemini-pro',
      systemPrompt: 'Answer in verse',
    })
    const { reply } = await open.prompt(token, roomId, 'Hi')
    await settle(open, token, roomId, reply.id)
    expect(open.gemini.calls[0]).toMatchObject({ model: 'gemini-pro', system: 'Answer in verse' })
    const refused = await open.send('POST', '/v1/chatroom', { token, body: { model: 'gpt' } })
    expect(refused.status).toBe(422)
  })
})
