import { afterEach, describe, expect, test } from 'bun:test'
import type { Message } from '#src/modules/messages/model.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { json, type ProblemJson } from '#test/support/test-app.ts'
import { type Attack, attack } from '#test/support/test-attack.ts'
import { helpOn } from '#test/support/test-stream.ts'

const QUOTA = 5
/** What a provider does that fails for good after it has streamed its whole answer. */
const FAILS_AT_THE_END: Behaviour = {
  kind: 'answer',
  pieces: ['the whole ', 'answer'],
  finishReason: 'OTHER',
}

let open: Attack | undefined
afterEach(async () => {
  await open?.chat.stop()
  open = undefined
})

async function begin(...given: Parameters<typeof attack>): Promise<Attack> {
  open = await attack(...given)
  return open
}

describe('calls of the provider are capped at three times the quota', () => {
  test('whatever text is streamed before a reply fails: failed ones are refunded, their calls are not', async () => {
    const { chat, token, roomId, send, used, counts } = await begin(() => FAILS_AT_THE_END)
    let answer = await send()
    let accepted = 0
    while (answer.status === 202) {
      accepted++
      const { reply } = await json<{ reply: Message }>(answer)
      await helpOn(chat, token, roomId, reply.id)
      expect((await chat.read(token, roomId, reply.id)).status).toBe('failed')
      expect(await used()).toBe(0)
      answer = await send()
    }
    // Five tries each.
    expect(accepted).toBe(3)
    expect(chat.gemini.calls).toHaveLength(3 * QUOTA)
    expect(counts()).toEqual({ used: 0, starts: 3 * QUOTA, pending: 0 })
    expect(answer.status).toBe(429)
    expect(await json<ProblemJson>(answer)).toMatchObject({
      type: '/problems/starts-exhausted',
      quota: { limit: QUOTA, used: 0 },
    })
    const secondsLeft = Math.ceil((Date.UTC(2026, 10, 23) - chat.clock.now()) / 1_000)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'retry-after': String(secondsLeft),
      'ratelimit-policy': '"daily";q=5;w=86400, "starts";q=15;w=86400',
      ratelimit: `"daily";r=5;t=${secondsLeft}, "starts";r=0;t=${secondsLeft}`,
    })
  })

  test('a prompt that would need one more fails clearly and is refunded', async () => {
    const { chat, token, roomId, used } = await begin(() => FAILS_AT_THE_END, {
      basicDailyPrompts: 1,
    })
    const { reply } = await chat.prompt(token, roomId, 'one')
    await helpOn(chat, token, roomId, reply.id)
    expect(await chat.read(token, roomId, reply.id)).toMatchObject({
      status: 'failed',
      error: { code: 'starts-exhausted' },
    })
    expect(chat.gemini.calls).toHaveLength(3)
    expect(await used()).toBe(0)
  })

  test('regenerate is one of them', async () => {
    const { chat, token, roomId, path } = await begin(() => ({ kind: 'answer' }), {
      basicDailyStarts: 2,
    })
    const { reply } = await chat.prompt(token, roomId, 'one')
    await chat.final(token, roomId, reply.id)
    const again = () => chat.send('POST', path(roomId, `/${reply.id}/regenerate`), { token })
    expect((await again()).status).toBe(202)
    const refused = await again()
    expect(refused.status).toBe(429)
    expect((await json<ProblemJson>(refused)).type).toBe('/problems/starts-exhausted')
  })

  test('so is the call of another model after one that is overloaded', async () => {
    const { chat, token, roomId, counts } = await begin(() => ({ kind: 'status', status: 503 }), {
      basicDailyStarts: 7,
      geminiModel: 'one',
      geminiFallbackModels: ['two', 'three'],
    })
    const { reply } = await chat.prompt(token, roomId, 'one')
    await helpOn(chat, token, roomId, reply.id)
    expect(await chat.read(token, roomId, reply.id)).toMatchObject({
      status: 'failed',
      error: { code: 'starts-exhausted' },
    })
    // Three tries: one, two, three; again; and one.
    expect(chat.gemini.calls.map(({ model }) => model)).toEqual([
      'one',
      'two',
      'three',
      'one',
      'two',
      'three',
      'one',
    ])
    expect(counts()).toEqual({ used: 0, starts: 7, pending: 0 })
  })

  test('a title is one of them, and leaves one for each prompt of the day', async () => {
    const { chat, token, counts } = await begin(() => ({ kind: 'answer' }), {
      autoTitle: true,
      basicDailyStarts: QUOTA + 2,
    })
    for (let at = 0; at < QUOTA; at++) {
      const room = await chat.openRoom(token)
      const { reply } = await chat.prompt(token, room, 'one')
      await chat.final(token, room, reply.id)
    }
    const left = chat.database.sqlite.query('SELECT 1 FROM jobs WHERE ended_at IS NULL')
    while (left.get()) await turns(1)
    expect(counts()).toEqual({ used: QUOTA, starts: QUOTA + 2, pending: 0 })
    expect(chat.gemini.calls).toHaveLength(QUOTA + 2)
  })

  test('Pro has a cap of its own', async () => {
    const { chat, token, roomId, send } = await begin(() => ({ kind: 'answer' }), {
      proDailyStarts: 3,
    })
    chat.database.sqlite.run("UPDATE users SET tier_override = 'pro'")
    for (let at = 0; at < 3; at++) await chat.prompt(token, roomId, 'one')
    const refused = await send()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('ratelimit-policy')).toBe('"starts";q=3;w=86400')
    expect((await json<ProblemJson>(refused)).detail).toContain('3 is the limit')
  })

  test('a worker that died may have called: its job counts once more when it is taken back', async () => {
    const { chat, token, roomId, counts, called } = await begin(() => ({ kind: 'hang' }))
    await chat.prompt(token, roomId, 'one')
    await called(1)
    const [job] = chat.database.sqlite.query<{ id: number }, []>('SELECT id FROM jobs').all()
    const input = { id: job?.id ?? 0, now: chat.clock.now(), leasesUntil: Number.MAX_SAFE_INTEGER }
    expect(await chat.database.run(chat.services.queue.commands.recover, input)).toBe(true)
    expect(counts()).toMatchObject({ used: 1, starts: 2 })
    await called(2)
  })

  for (const seed of [1, 2, 3]) {
    test(`whatever the provider and the user do, seed ${seed}`, async () => {
      const { int } = createSeededRandom(seed)
      const ways: Behaviour[] = [
        { kind: 'answer' },
        { kind: 'hang' },
        FAILS_AT_THE_END,
        { kind: 'cut', pieces: 2 },
        { kind: 'empty' },
        { kind: 'status', status: 500 },
        { kind: 'block', reason: 'SAFETY', at: 'answer', pieces: 1 },
      ]
      const pick = <T>(all: readonly T[], none: T) => all[int(all.length)] ?? none
      const { chat, token, path, cancel, counts } = await begin(
        () => pick(ways, { kind: 'answer' }),
        { autoTitle: true, geminiFallbackModels: [] },
      )
      const rooms = [await chat.openRoom(token)]
      let refused = 0
      for (let round = 0; round < 60; round++) {
        const room = pick(rooms, '')
        const answer = await chat.send('POST', path(room), { token, body: { userPrompt: 'again' } })
        if (answer.status === 429) refused++
        const { reply } = await json<{ reply?: Message }>(answer)
        await turns(int(20))
        if (reply && int(3) === 0) await cancel(reply.id, room)
        if (int(4) === 0) {
          await chat.send('DELETE', `/v1/chatroom/${room}`, { token })
          rooms.splice(rooms.indexOf(room), 1, await chat.openRoom(token))
        }
        // Whatever waits for another try comes.
        for (let wait = 0; wait < int(4); wait++) await chat.clock.advance(500)
      }
      expect(refused).toBeGreaterThan(20)
      expect(chat.gemini.calls.length).toBeLessThanOrEqual(3 * QUOTA)
      expect(counts()?.starts).toBeLessThanOrEqual(3 * QUOTA)
      expect(counts()?.starts).toBeGreaterThanOrEqual(chat.gemini.calls.length)
    })
  }
})
