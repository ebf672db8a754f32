import { afterEach, describe, expect, test } from 'bun:test'
import type { Message } from '#src/modules/messages/model.ts'
import { pauseModel } from '#src/queue/provider-limits.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { turns } from '#test/support/fake-clock.ts'
import { json } from '#test/support/test-app.ts'
import { type Attack, attack } from '#test/support/test-attack.ts'

const QUOTA = 5

let open: Attack | undefined
afterEach(async () => {
  await open?.chat.stop()
  open = undefined
})

async function begin(...given: Parameters<typeof attack>): Promise<Attack> {
  open = await attack(...given)
  return open
}

describe('a prompt that was sent to the provider stays charged', () => {
  test('when it is cancelled before the first character: 5 calls, then 429', async () => {
    const { chat, token, roomId, send, cancel, used, called } = await begin(() => ({
      kind: 'hang',
    }))
    for (let at = 1; at <= QUOTA; at++) {
      const { reply } = await chat.prompt(token, roomId, 'Write a novel')
      await called(at)
      expect((await json<Message>(cancel(reply.id))).status).toBe('cancelled')
    }
    expect(await used()).toBe(QUOTA)
    expect((await send()).status).toBe(429)
    expect(chat.gemini.calls).toHaveLength(QUOTA)
  })

  test('when its room is deleted', async () => {
    const { chat, token, send, used, called } = await begin(() => ({ kind: 'hang' }))
    for (let at = 1; at <= QUOTA; at++) {
      const room = await chat.openRoom(token)
      await chat.prompt(token, room, 'Write a novel')
      await called(at)
      expect((await chat.send('DELETE', `/v1/chatroom/${room}`, { token })).status).toBe(204)
    }
    expect(await used()).toBe(QUOTA)
    expect((await send()).status).toBe(429)
  })

  test('when it is cancelled while it waits for another try', async () => {
    const { chat, token, roomId, cancel, used, called } = await begin(() => ({ kind: 'empty' }))
    const { reply } = await chat.prompt(token, roomId, 'one')
    await called(1)
    const waits = chat.database.sqlite.query("SELECT 1 FROM jobs WHERE state = 'ready'")
    while (!waits.get()) await turns(1)
    expect((await json<Message>(cancel(reply.id))).status).toBe('cancelled')
    expect(await used()).toBe(1)
  })

  test('when it is cancelled while the provider asks to wait', async () => {
    const limited: Behaviour = { kind: 'status', status: 429, retryDelay: '20s' }
    const { chat, token, roomId, cancel, used } = await begin(() => limited)
    const { reply } = await chat.prompt(token, roomId, 'one')
    const waits = chat.database.sqlite.query("SELECT 1 FROM jobs WHERE state = 'ready'")
    while (chat.gemini.calls.length === 0 || !waits.get()) await turns(1)
    expect((await json<Message>(cancel(reply.id))).status).toBe('cancelled')
    expect(await used()).toBe(1)
  })

  test('when the provider refuses it for safety', async () => {
    const { chat, token, roomId, used } = await begin(() => ({
      kind: 'block',
      reason: 'SAFETY',
      at: 'prompt',
    }))
    const { reply } = await chat.prompt(token, roomId, 'something bad')
    expect((await chat.final(token, roomId, reply.id)).status).toBe('blocked')
    expect(await used()).toBe(1)
  })
})

describe('a prompt that was not sent to the provider is refunded', () => {
  test('when it is cancelled while another reply of its room is being made', async () => {
    const { chat, token, roomId, cancel, used, counts, called } = await begin(() => ({
      kind: 'hang',
    }))
    await chat.prompt(token, roomId, 'one')
    const { reply } = await chat.prompt(token, roomId, 'two')
    await called(1)
    expect((await json<Message>(cancel(reply.id))).status).toBe('cancelled')
    expect(await used()).toBe(1)
    // A start that was promised is not given back.
    expect(counts()).toEqual({ used: 1, starts: 2, pending: 1 })
  })

  test('when it is cancelled while every worker is busy', async () => {
    const { chat, token, roomId, cancel, used, called } = await begin(() => ({ kind: 'hang' }), {
      workerConcurrency: 1,
    })
    await chat.prompt(token, roomId, 'one')
    await called(1)
    const other = await chat.openRoom(token)
    const { reply } = await chat.prompt(token, other, 'two')
    await turns(20)
    expect((await json<Message>(cancel(reply.id, other))).status).toBe('cancelled')
    expect(await used()).toBe(1)
    expect(chat.gemini.calls).toHaveLength(1)
  })

  test('when a worker took it while every model was paused', async () => {
    const { chat, token, roomId, cancel, used } = await begin(() => ({ kind: 'hang' }))
    const until = chat.clock.now() + 60_000
    const { geminiModel, geminiFallbackModels } = chat.config
    for (const model of [geminiModel, ...geminiFallbackModels]) {
      const pause = {
        model,
        reason: 'limited',
        until,
        quotaId: null,
        now: chat.clock.now(),
      } as const
      await chat.database.run(pauseModel, { ...chat.services.provider.limit, ...pause })
    }
    const { reply } = await chat.prompt(token, roomId, 'one')
    for (let at = 0; at < 5; at++) await chat.clock.advance(1_000)
    expect((await json<Message>(cancel(reply.id))).status).toBe('cancelled')
    expect(await used()).toBe(0)
    expect(chat.gemini.calls).toEqual([])
  })

  test('when a stopping server took its job and handed it back untouched', async () => {
    const { chat, token, roomId, cancel, used } = await begin(() => ({ kind: 'hang' }))
    const stopped = chat.worker.stop(0)
    const { reply } = await chat.prompt(token, roomId, 'one')
    await chat.clock.advance(1)
    await stopped
    // As a claim that was answered when the worker had stopped already.
    chat.database.sqlite.run('UPDATE jobs SET claims = 3, unused_claims = 3')
    expect((await json<Message>(cancel(reply.id))).status).toBe('cancelled')
    expect(await used()).toBe(0)
  })
})
