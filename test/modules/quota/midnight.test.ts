import { afterEach, describe, expect, test } from 'bun:test'
import type { Message } from '#src/modules/messages/model.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { createFakeClock, turns } from '#test/support/fake-clock.ts'
import type { SseEvent } from '#test/support/sse.ts'
import { createTestChat } from '#test/support/test-chat.ts'
import { follow, helpOn } from '#test/support/test-stream.ts'

const MIDNIGHT = Date.UTC(2026, 10, 23)
const [YESTERDAY, TODAY] = ['2026-11-22', '2026-11-23']

let open: Awaited<ReturnType<typeof createTestChat>> | undefined
afterEach(async () => {
  await open?.stop()
  open = undefined
})

async function beforeMidnight(behave: () => Behaviour = () => ({ kind: 'hang' })) {
  const clock = createFakeClock(MIDNIGHT - 100)
  const chat = await createTestChat({ behave, clock })
  open = chat
  const user = await chat.signIn()
  const { token } = user
  const roomId = await chat.openRoom(token)
  const days = () =>
    Object.fromEntries(
      chat.database.sqlite
        .query<{ day: string; used: number }, []>(
          'SELECT day, used FROM quota_usage UNION ALL SELECT day, used FROM number_usage',
        )
        .all()
        .map(({ day, used }) => [day, used]),
    )
  return { chat, user, token, roomId, days }
}

describe('a prompt of yesterday whose reply fails today', () => {
  for (const isNewDayUsed of [false, true]) {
    test(`is refunded to yesterday, ${isNewDayUsed ? 'though' : 'where not even'} a prompt of today came between`, async () => {
      const { chat, user, token, roomId, days } = await beforeMidnight(() => ({ kind: 'empty' }))
      const { reply } = await chat.prompt(token, roomId, 'late')
      expect(days()).toEqual({ [YESTERDAY]: 1 })
      const waits = chat.database.sqlite.query("SELECT 1 FROM jobs WHERE state = 'ready'")
      while (!waits.get()) await turns(1)
      await chat.clock.advance(110)
      let second: Message | undefined
      if (isNewDayUsed) {
        second = (await chat.prompt(token, roomId, 'early')).reply
        expect(days()).toEqual({ [YESTERDAY]: 1, [TODAY]: 1 })
      }
      await helpOn(chat, token, roomId, reply.id)
      expect((await chat.read(token, roomId, reply.id)).status).toBe('failed')
      expect(days()).toMatchObject({ [YESTERDAY]: 0, ...(second && { [TODAY]: 1 }) })
      expect((await chat.services.quotas.read(user)).used).toBe(second ? 1 : 0)
    })
  }

  test('and one that waits and is cancelled today is refunded to yesterday', async () => {
    const { chat, token, roomId, days } = await beforeMidnight()
    await chat.prompt(token, roomId, 'one')
    const { reply } = await chat.prompt(token, roomId, 'two')
    chat.clock.set(MIDNIGHT + 10)
    await chat.prompt(token, roomId, 'three')
    await chat.send('POST', `/v1/chatroom/${roomId}/message/${reply.id}/cancel`, { token })
    expect(days()).toEqual({ [YESTERDAY]: 1, [TODAY]: 1 })
  })
})

test('a clock that was set back across midnight finds the day as it left it', async () => {
  const { chat, user, token, roomId, days } = await beforeMidnight()
  for (let at = 0; at < 2; at++) await chat.prompt(token, roomId, 'yesterday')
  chat.clock.set(MIDNIGHT + 10)
  await chat.prompt(token, roomId, 'today')
  chat.clock.set(MIDNIGHT - 50)
  expect((await chat.services.quotas.read(user)).used).toBe(2)
  await chat.prompt(token, roomId, 'yesterday again')
  expect(days()).toEqual({ [YESTERDAY]: 3, [TODAY]: 1 })
  chat.clock.set(MIDNIGHT + 20)
  expect((await chat.services.quotas.read(user)).used).toBe(1)
})

describe('the quota event', () => {
  const isQuota = ({ event }: SseEvent) => event === 'quota'

  test('comes after a refund', async () => {
    const { chat, token, roomId } = await beforeMidnight()
    const stream = await follow(chat, token, roomId)
    await stream.until(isQuota)
    await chat.prompt(token, roomId, 'one')
    const { reply } = await chat.prompt(token, roomId, 'two')
    await stream.until((event) => isQuota(event) && event.data.used === 2)
    await chat.send('POST', `/v1/chatroom/${roomId}/message/${reply.id}/cancel`, { token })
    const events = await stream.until(isQuota)
    expect(events.at(-1)?.data).toMatchObject({ used: 1, remaining: 4 })
    await stream.leave()
  })

  test('comes at midnight, also to a reader whose count stays the same', async () => {
    const { chat, token, roomId } = await beforeMidnight()
    const stream = await follow(chat, token, roomId)
    const first = (await stream.until(isQuota)).at(-1)
    expect(first?.data).toMatchObject({ used: 0, resetsAt: '2026-11-23T00:00:00.000Z' })
    chat.clock.set(MIDNIGHT)
    const tick = chat.services.maintenance.find(
      ({ name }) => name === 'show the new day to open streams',
    )
    await tick?.run(AbortSignal.any([]))
    const next = (await stream.until(isQuota)).at(-1)
    expect(next?.data).toMatchObject({ used: 0, resetsAt: '2026-11-24T00:00:00.000Z' })
    await stream.leave()
  })
})
