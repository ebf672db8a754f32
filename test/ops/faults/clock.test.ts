import { expect, test } from 'bun:test'
import { sessions, users } from '#drizzle/schema.ts'
import { parseConfig } from '#src/config/config.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { type Clock, systemClock } from '#src/lib/clock.ts'
import { createLog } from '#src/lib/log.ts'
import { systemRandom } from '#src/lib/random.ts'
import { DAY, HOUR } from '#src/lib/time.ts'
import { createTokens } from '#src/modules/auth/tokens.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import { serve } from '#src/serve.ts'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import { call } from '#test/support/client.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { middayZone } from '#test/support/midday.ts'
import { missing, until } from './chat.ts'

/** A whole server on a clock that can be stepped, as NTP or a person steps it: timers go on as they were. */
async function setUp() {
  const folder = await temporaryFolder()
  const gemini = createGeminiStandIn({ pieceDelayMs: 5 })
  const clock: Clock & { aheadMs: number } = {
    ...systemClock,
    aheadMs: 0,
    now: () => Date.now() + clock.aheadMs,
  }
  const path = folder.file('pollux.db')
  const { config } = parseConfig({
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `file:${path}`,
    GEMINI_BASE_URL: gemini.url,
    AUTO_TITLE: 'false',
    QUOTA_TIMEZONE: middayZone(),
  })
  const random = systemRandom
  const lines: string[] = []
  const log = createLog('info', { to: { write: (line) => lines.push(line) } })
  const server = await serve(config, { clock, random, log })
  const database = openDatabase(path)
  const now = clock.now()
  const [userId, sessionId] = [random.id(now), random.id(now)]
  const phone = '+12025550100'
  database.orm
    .insert(users)
    .values({ id: userId, phone, verifiedAt: now, createdAt: now, updatedAt: now })
    .run()
  database.orm
    .insert(sessions)
    .values({ id: sessionId, userId, createdAt: now - DAY, lastUsedAt: now, expiresAt: now + DAY })
    .run()
  database.close()
  // As old and as long-lived as the steps ask for.
  const past = { ...clock, now: () => Date.now() - 2 * HOUR }
  const secret = { secret: config.jwtSecret, previousSecret: undefined, ttlMinutes: 1_440 }
  const token = await createTokens({ ...secret, clock: past, random }).sign({ userId, sessionId })
  return {
    path,
    clock,
    lines,
    send: <T>(method: string, at: string, body?: object) =>
      call<T>(server.url, method, at, { token, ...(body && { body }) }),
    stop: () => server.stop(),
    async [Symbol.asyncDispose]() {
      await gemini.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('a clock stepped an hour forth and back: each prompt ends once, and no wait takes the hour', async () => {
  await using set = await setUp()
  const { clock, send } = set
  const room = (await send<Room>('POST', '/v1/chatroom', {})).body.id
  const path = `/v1/chatroom/${room}/message`
  const accepted: Accepted[] = []
  for (const step of [0, HOUR, 0, -HOUR, 0]) {
    const { status, body } = await send<Accepted>('POST', path, { userPrompt: `at ${step}` })
    expect(status).toBe(202)
    accepted.push(body)
    // While that reply is in the making.
    clock.aheadMs = step
  }
  let late = 0
  for (const { reply } of accepted) {
    const { body } = await until(
      () => send<Message>('GET', `${path}/${reply.id}`),
      (answer) => ['complete', 'failed'].includes(answer.body.status),
    )
    // A deadline that a step forth jumped over is over; then the prompt is given back.
    if (body.status === 'failed') {
      expect(body.error?.code).toBe('too-late')
      late += 1
    } else expect(body.content).not.toBe('')
  }
  expect(late).toBeLessThanOrEqual(2)
  const { quota } = (await send<{ quota: { used: number } }>('GET', '/v1/subscription/status')).body
  expect(quota.used).toBe(accepted.length - late)
  await until(
    () => send('GET', '/readyz'),
    ({ status }) => status === 200,
  )
  const { items } = (await send<{ items: Message[] }>('GET', `${path}/all`)).body
  expect(items.filter(({ role }) => role === 'assistant')).toHaveLength(accepted.length)
  // Long enough for somebody to notice.
  clock.aheadMs = -2 * HOUR
  await until(
    async () => set.lines,
    (lines) => lines.some((line) => line.includes('the clock was set back')),
  )
  await set.stop()
  expect(
    missing(
      set.path,
      accepted.flatMap(({ prompt, reply }) => [prompt.id, reply.id]),
    ),
  ).toEqual([])
}, 60_000)
