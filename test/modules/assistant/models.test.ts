import { describe, expect, test } from 'bun:test'
import type { Config } from '#src/config/config.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { resumeModels } from '#src/queue/provider-limits.ts'
import { createServices } from '#src/services.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { NOON } from '#test/support/fake-clock.ts'
import { createModelChat, type Plan } from '#test/support/model-chat.ts'

const status = (code: number): Behaviour => ({ kind: 'status', status: code })
const limited = (retryDelay: string): Behaviour => ({ kind: 'status', status: 429, retryDelay })
const perDay: Behaviour = {
  kind: 'status',
  status: 429,
  quotaIds: ['GenerateRequestsPerDayPerProjectPerModel-FreeTier'],
  retryDelay: '7s',
}

describe('A 429', () => {
  test('pauses the model that it is about and no other, and the fallback answers', async () => {
    await using set = await createModelChat({ one: limited('60s') })
    const { chat, ask, models } = set
    expect(await ask()).toMatchObject({ content: 'from two', model: 'two' })
    expect(await ask()).toMatchObject({ content: 'from two' })
    expect(models()).toEqual(['one', 'two', 'two'])
    expect(await chat.services.provider.pauses()).toMatchObject([
      { model: 'one', reason: 'limited', until: NOON + MINUTE },
    ])
    await chat.clock.advance(MINUTE)
    await ask()
    expect(models()).toEqual(['one', 'two', 'two', 'one', 'two'])
  })

  test('of one model keeps no room waiting that has another', async () => {
    // One call in six seconds: waiting for a paused model must not take the calls of the other.
    const settings = { geminiFallbackModels: [], providerRpm: 10 }
    await using set = await createModelChat({ one: limited('60s') }, settings)
    const { chat, room, prompt, ask, until, models } = set
    const waiting = await prompt(await room())
    await until(async () => (await chat.services.provider.pauses()).length === 1)
    await chat.clock.advance(6 * SECOND)
    const more = [await prompt(await room()), await prompt(await room())]
    expect(await ask({ model: 'other' })).toMatchObject({ content: 'from other' })
    for (const { read } of [waiting, ...more]) {
      expect(await read()).toMatchObject({ status: 'queued' })
    }
    expect(models()).toEqual(['one', 'other'])
  })

  test('holds across a restart, and is forgotten with the key or the address', async () => {
    await using set = await createModelChat({ one: limited('60s') })
    const { chat, ask } = set
    await ask()
    const pausesOf = async (settings: Partial<Config>) => {
      const { config, database, clock, random, log } = chat
      const deps = { config: { ...config, ...settings }, database, clock, random, log }
      return (await createServices(deps).provider.pauses()).length
    }
    expect(await pausesOf({})).toBe(1)
    expect(await pausesOf({ geminiApiKey: 'a new key' })).toBe(0)
    expect(await pausesOf({ geminiBaseUrl: 'http://localhost:1' })).toBe(0)
  })

  test('that asks for a day stops nobody for longer than five minutes', async () => {
    const plan: Plan = { one: limited('86400s') }
    await using set = await createModelChat(plan, {
      geminiFallbackModels: [],
      geminiModels: [],
    })
    const { chat, ask, notReady, used } = set
    expect(await ask()).toMatchObject({
      status: 'failed',
      error: { code: 'assistant-unavailable' },
    })
    expect(await used()).toBe(0)
    expect(await notReady()).toEqual([
      'provider-paused: every model is paused, the first until 2026-11-22T12:05:00.000Z.',
    ])
    plan['one'] = { kind: 'answer', pieces: ['back'] }
    await chat.clock.advance(5 * MINUTE)
    expect(await notReady()).toEqual([])
    expect(await ask()).toMatchObject({ content: 'back' })
  })

  test('of a daily quota holds until midnight of the Pacific, and no prompt waits for that', async () => {
    await using set = await createModelChat(
      { one: perDay, two: perDay },
      { accessTtlMinutes: 1_440 },
    )
    const { chat, ask, models, notReady } = set
    expect(await ask()).toMatchObject({
      status: 'failed',
      error: { code: 'assistant-unavailable' },
    })
    expect(await ask()).toMatchObject({ status: 'failed' })
    expect(models()).toEqual(['one', 'two'])
    const until = Date.UTC(2026, 10, 23, 8)
    expect(await chat.services.provider.pauses()).toMatchObject([
      { model: 'one', reason: 'exhausted', until, quotaId: expect.stringContaining('FreeTier') },
      { model: 'two', reason: 'exhausted', until },
    ])
    // A room may choose a model that still answers.
    expect(await notReady()).toEqual([])
    expect(await ask({ model: 'other' })).toMatchObject({ content: 'from other' })
    chat.clock.set(until)
    await ask()
    expect(models().slice(3)).toEqual(['one', 'two'])
  })

  test('of every model has the prompt wait for the one that is free first', async () => {
    const plan: Plan = { one: limited('60s'), two: limited('20s') }
    await using set = await createModelChat(plan)
    const { chat, room, prompt, until } = set
    const { read, final } = await prompt(await room())
    await until(async () => (await chat.services.provider.pauses()).length === 2)
    plan['two'] = { kind: 'answer', pieces: ['at last'] }
    await chat.clock.advance(19 * SECOND)
    expect(await read()).toMatchObject({ status: 'queued' })
    await chat.clock.advance(SECOND)
    expect(await final()).toMatchObject({ content: 'at last', model: 'two' })
  })

  test('inside a stream is one, before its text and after', async () => {
    for (const pieces of [0, 1]) {
      await using set = await createModelChat({
        one: { kind: 'error', status: 429, retryDelay: '60s', pieces },
      })
      const { ask, models } = set
      expect(await ask()).toMatchObject({ content: 'from two' })
      expect(models()).toEqual(['one', 'two'])
    }
  })

  test('is over at once when an operator lifts it', async () => {
    const plan: Plan = { one: limited('60s') }
    await using set = await createModelChat(plan, { geminiFallbackModels: [] })
    const { chat, room, prompt, until } = set
    const { final } = await prompt(await room())
    await until(async () => (await chat.services.provider.pauses()).length === 1)
    plan['one'] = { kind: 'answer', pieces: ['on'] }
    const resumption = chat.services.provider.resumption('one')
    expect(await chat.database.run(resumeModels, resumption)).toBe(1)
    expect(await final()).toMatchObject({ content: 'on' })
  })
})

describe('A model', () => {
  test('that is not there makes way for the next, and the log says so', async () => {
    await using set = await createModelChat({ one: status(404) })
    const { ask, said } = set
    expect(await ask()).toMatchObject({ content: 'from two', model: 'two' })
    expect(said('does not have a model')).toMatchObject([{ model: 'one', level: 'error' }])
  })

  for (const code of [408, 409, 425, 499, 500, 503]) {
    test(`that answers ${code} makes way for the next`, async () => {
      await using set = await createModelChat({ one: status(code) })
      const { ask, models } = set
      expect(await ask()).toMatchObject({ content: 'from two' })
      expect(models()).toEqual(['one', 'two'])
    })
  }

  test('of a room that is no longer offered is not called: the default answers', async () => {
    await using set = await createModelChat({})
    const { chat, room, prompt, models, said } = set
    const roomId = await room({ model: 'other' })
    chat.database.sqlite.run("UPDATE chatrooms SET model = 'removed'")
    for (let times = 0; times < 2; times++) {
      expect(await (await prompt(roomId)).final()).toMatchObject({
        content: 'from one',
        model: 'one',
      })
    }
    expect(models()).toEqual(['one', 'one'])
    expect(said('no longer offered')).toMatchObject([{ roomId, model: 'removed' }])
  })

  test('that falls back takes its calls from PROVIDER_RPM too', async () => {
    await using set = await createModelChat({ one: status(503) }, { providerRpm: 10 })
    const { chat, room, prompt, until, models } = set
    const { final } = await prompt(await room())
    await until(() => models().length === 1)
    // The worker has set a timer for the next slot, and then the job does.
    const forSlot = () => chat.clock.timers().filter((at) => at === NOON + 6 * SECOND)
    await until(() => forSlot().length === 2)
    await chat.clock.advance(6 * SECOND - 1)
    expect(models()).toEqual(['one'])
    await chat.clock.advance(1)
    expect(await final()).toMatchObject({ content: 'from two' })
  })
})
