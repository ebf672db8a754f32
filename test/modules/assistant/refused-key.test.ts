import { describe, expect, test } from 'bun:test'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { pauseModel } from '#src/queue/provider-limits.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { createModelChat, type Plan } from '#test/support/model-chat.ts'

const status = (code: number): Behaviour => ({ kind: 'status', status: code })

describe('A refused key', () => {
  for (const refusal of [
    status(401),
    status(403),
    { kind: 'status', status: 400, message: 'API key not valid' } as const,
    { kind: 'error', status: 403 } as const,
  ]) {
    test(`has prompts wait until one is accepted, and only one tries it each 30 s: ${JSON.stringify(refusal)}`, async () => {
      const plan: Plan = { one: refusal }
      await using set = await createModelChat(plan)
      const { chat, room, prompt, ask, until, models, notReady, said, used } = set
      const first = await prompt(await room())
      await until(async () => (await notReady()).length > 0 && !chat.isAsking())
      expect(await notReady()).toEqual(['provider-key: the provider refuses GEMINI_API_KEY.'])
      const more = [await prompt(await room()), await prompt(await room())]
      await chat.clock.advance(29 * SECOND)
      expect(models()).toEqual(['one'])
      await chat.clock.advance(SECOND)
      await until(() => models().length === 2)
      await until(() => !chat.isAsking())
      expect(models()).toEqual(['one', 'one'])
      expect(said('the provider refuses our key')).toMatchObject([
        { level: 'error', alarm: 'provider-key' },
      ])
      delete plan['one']
      await chat.clock.advance(31 * SECOND)
      for (const { final } of [first, ...more]) {
        expect(await final()).toMatchObject({ content: 'from one' })
      }
      expect(await notReady()).toEqual([])
      expect(said('accepts our key again')).toHaveLength(1)
      expect(await ask()).toMatchObject({ content: 'from one' })
      expect(await used()).toBe(4)
    })
  }

  test('is checked each 30 s while no prompt waits, so that the server becomes ready by itself', async () => {
    const plan: Plan = { one: status(403) }
    await using set = await createModelChat(plan)
    const { chat, models, notReady, said } = set
    const { provider } = chat.services
    const check = () => provider.checkKey(new AbortController().signal)
    await check()
    expect(models()).toEqual([])
    const key = { model: '', reason: 'key' as const, quotaId: null, until: chat.clock.now() }
    const now = chat.clock.now()
    await chat.database.run(pauseModel, { ...provider.limit, ...key, now })
    await check()
    await check()
    expect(models()).toEqual(['one'])
    expect(await notReady()).toHaveLength(1)
    delete plan['one']
    await chat.clock.advance(30 * SECOND)
    await check()
    expect(models()).toEqual(['one', 'one'])
    expect(await notReady()).toEqual([])
    expect(said('accepts our key again')).toHaveLength(1)
  })

  for (const code of [404, 429]) {
    test(`is accepted again as soon as a model answers with it, be it ${code}`, async () => {
      const plan: Plan = { one: status(403) }
      await using set = await createModelChat(plan)
      const { chat, room, prompt, until, notReady, said } = set
      await prompt(await room())
      await until(async () => (await notReady()).length > 0 && !chat.isAsking())
      plan['one'] = status(code)
      // The fallback has not answered yet when the key is known to be good.
      plan['two'] = { kind: 'hang', pieces: 0 }
      await chat.clock.advance(30 * SECOND)
      await until(() => said('accepts our key again').length === 1)
      expect(await notReady()).toEqual([])
    })
  }

  test('fails prompts at their deadline, with a reason, and gives the quota back', async () => {
    await using set = await createModelChat({ one: status(403) })
    const { chat, room, prompt, until, notReady, used } = set
    const { final } = await prompt(await room())
    await until(async () => (await notReady()).length > 0)
    for (let waited = 0; waited < 16; waited++) {
      await chat.clock.advance(MINUTE)
      await until(() => !chat.isAsking())
    }
    expect(await final()).toMatchObject({ status: 'failed' })
    expect(await used()).toBe(0)
  })
})
