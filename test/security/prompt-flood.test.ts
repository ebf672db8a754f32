import { afterEach, describe, expect, test } from 'bun:test'
import type { Message } from '#src/modules/messages/model.ts'
import { json, type ProblemJson } from '#test/support/test-app.ts'
import { type Attack, attack } from '#test/support/test-attack.ts'

let open: Attack | undefined
afterEach(async () => {
  await open?.chat.stop()
  open = undefined
})

async function begin(...given: Parameters<typeof attack>): Promise<Attack> {
  open = await attack(...given)
  return open
}

describe('a flood of prompts', () => {
  test('of one user waits up to a limit, whatever the tier', async () => {
    const { chat, token, roomId, send, cancel, counts } = await begin(() => ({ kind: 'hang' }), {
      maxPendingPrompts: 3,
    })
    chat.database.sqlite.run("UPDATE users SET tier_override = 'pro'")
    const replies: Message[] = []
    for (let at = 0; at < 3; at++) replies.push((await chat.prompt(token, roomId, 'one')).reply)
    const refused = await send()
    expect(refused.status).toBe(429)
    expect((await json<ProblemJson>(refused)).type).toBe('/problems/too-many-pending')
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'retry-after': '5',
      'ratelimit-policy': '"pending";q=3',
      ratelimit: '"pending";r=0;t=5',
    })
    expect(counts()).toEqual({ used: 0, starts: 3, pending: 3 })
    await cancel(replies[2]?.id ?? '')
    expect((await send()).status).toBe(202)
  })

  test('is held to so many a minute, and a clock that is set back locks nobody out', async () => {
    const { chat, send, counts } = await begin(() => ({ kind: 'answer', pieces: ['a'] }), {
      promptsPerMinute: 2,
    })
    chat.database.sqlite.run("UPDATE users SET tier_override = 'pro'")
    expect((await send()).status).toBe(202)
    await chat.clock.advance(20_000)
    expect((await send()).status).toBe(202)
    const refused = await send()
    expect(refused.status).toBe(429)
    expect((await json<ProblemJson>(refused)).type).toBe('/problems/too-many-requests')
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'retry-after': '40',
      'ratelimit-policy': '"prompts";q=2;w=60',
      ratelimit: '"prompts";r=0;t=40',
    })
    expect(counts()).toMatchObject({ starts: 2 })
    // Before the minute that was counted has begun.
    chat.clock.set(chat.clock.now() - 20_001)
    expect((await send()).status).toBe(202)
    expect((await send()).status).toBe(202)
    expect((await send()).status).toBe(429)
  })
})
