import { afterEach, describe, expect, setSystemTime, test } from 'bun:test'
import { Webhook } from 'standardwebhooks'
import type { Config } from '#src/config/config.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { pruneLimits } from '#src/modules/limits/commands.ts'
import { createWorker } from '#src/queue/worker.ts'
import { createSmsStandIn, type SmsBehaviour } from '#standins/sms/server.ts'
import { NOON } from '#test/support/fake-clock.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

const phone = '+4930901820'
const secret = `whsec_${Buffer.from('a-secret-of-twenty-four-b').toString('base64')}`
const twilio = { accountSid: 'AC1', authToken: 'token' }
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function setUp(
  otpDelivery: 'twilio' | 'webhook',
  behave: (call: number) => SmsBehaviour = () => ({ kind: 'accept' }),
  settings: Partial<Config> = {},
) {
  const standIn = createSmsStandIn({ secret, twilio, behave, now: () => NOON })
  const app = createTestApp({
    otpDelivery,
    twilioAccountSid: twilio.accountSid,
    twilioAuthToken: twilio.authToken,
    twilioFrom: '+12025550199',
    twilioBaseUrl: standIn.url,
    otpWebhookUrl: standIn.webhookUrl,
    otpWebhookSecret: secret,
    ...settings,
  })
  const { database, clock, random, log, services } = app
  const worker = createWorker({ database, clock, random, log, queue: services.queue })
  await worker.start({ alone: true })
  stops.push(
    () => worker.stop(0),
    () => standIn.stop(),
  )
  await app.send('POST', '/v1/auth/signup', { body: { phone } })
  const ask = (body: object = { phone }) => app.send('POST', '/v1/auth/send-otp', { body })
  const jobs = () =>
    database.sqlite
      .query<{ state: string; body: string; last_error: string | null }, []>(
        "SELECT state, body, last_error FROM jobs WHERE kind = 'sms.send' ORDER BY id",
      )
      .all()
  /** Until every job has ended; the clock runs so that retries fall due. */
  async function settle() {
    for (
      let tick = 0;
      jobs().some(({ state }) => state === 'ready' || state === 'running');
      tick++
    ) {
      if (tick > 500) throw new Error(`jobs never ended: ${JSON.stringify(jobs())}`)
      // Real sockets answer in real ticks of the event loop.
      await new Promise<void>((resolve) => setImmediate(resolve))
      await Bun.sleep(1)
      if (jobs().every(({ state }) => state !== 'running')) await clock.advance(SECOND)
    }
    return jobs()
  }
  return { ...app, standIn, ask, jobs, settle }
}

describe.each(['twilio', 'webhook'] as const)('by %s', (delivery) => {
  test('the code reaches its owner and logs them in', async () => {
    const { ask, settle, standIn, send } = await setUp(delivery)
    const answer = await ask()
    expect(answer.status).toBe(202)
    expect(await json<object>(answer)).not.toHaveProperty('otp')
    expect((await settle()).map(({ state }) => state)).toEqual(['done'])
    expect(standIn.messages).toHaveLength(1)
    expect(standIn.messages[0]?.to).toBe(phone)
    const otp = /^\d{6}/.exec(standIn.messages[0]?.text ?? '')?.[0] ?? ''
    const login = await send('POST', '/v1/auth/verify-otp', { body: { phone, otp } })
    expect(login.status).toBe(200)
  })

  test('the code is not in plain text in the job or anywhere in the database', async () => {
    const { ask, settle, standIn, database } = await setUp(delivery)
    await ask()
    await settle()
    const otp = /^\d{6}/.exec(standIn.messages[0]?.text ?? '')?.[0] ?? ''
    for (const table of ['jobs', 'otp_challenges', 'rate_limits', 'audit_log', 'users']) {
      const rows = database.sqlite.query<object, []>(`SELECT * FROM ${table}`).all()
      expect(JSON.stringify(rows)).not.toContain(`"${otp}"`)
      expect(JSON.stringify(rows)).not.toMatch(new RegExp(`(?<![0-9])${otp}(?![0-9])`))
    }
  })

  test('a number without an account gets the same answer and no message', async () => {
    const { ask, settle, standIn } = await setUp(delivery)
    const known = await ask()
    const unknown = await ask({ phone: '+4930901821' })
    expect(unknown.status).toBe(known.status)
    expect(Object.keys(await json<object>(unknown))).toEqual(Object.keys(await json<object>(known)))
    expect((await settle()).map(({ state }) => state)).toEqual(['done', 'done'])
    expect(standIn.messages.map(({ to }) => to)).toEqual([phone])
  })

  test('a provider that is down is tried again, and the answer to the client is the same', async () => {
    const down = (call: number): SmsBehaviour =>
      call < 3 ? { kind: 'status', status: 503 } : { kind: 'accept' }
    const { ask, settle, standIn } = await setUp(delivery, down)
    expect((await ask()).status).toBe(202)
    expect((await settle()).map(({ state }) => state)).toEqual(['done'])
    expect(standIn.calls).toBe(3)
    expect(standIn.messages).toHaveLength(1)
  })

  test('its Retry-After is respected and counts no error', async () => {
    const busy = (call: number): SmsBehaviour =>
      call < 7 ? { kind: 'status', status: 429, retryAfter: 5 } : { kind: 'accept' }
    const { ask, settle, standIn, clock } = await setUp(delivery, busy)
    await ask()
    expect((await settle()).map(({ state }) => state)).toEqual(['done'])
    expect(clock.now() - NOON).toBeGreaterThanOrEqual(6 * 5 * SECOND)
    expect(standIn.messages).toHaveLength(1)
  })

  test('a lost answer never makes two messages', async () => {
    const cut = (call: number): SmsBehaviour => ({ kind: call === 1 ? 'cut' : 'accept' })
    const { ask, settle, standIn } = await setUp(delivery, cut)
    await ask()
    // A webhook knows the id again; Twilio would not, so it is left at that.
    const [{ state } = { state: 'none' }] = await settle()
    expect([state, standIn.calls]).toEqual(delivery === 'webhook' ? ['done', 2] : ['failed', 1])
    expect(standIn.messages).toHaveLength(1)
  })

  test('a request that the provider refuses ends the job', async () => {
    const { ask, settle, standIn } = await setUp(delivery, () => ({ kind: 'status', status: 400 }))
    await ask()
    expect((await settle()).map(({ state }) => state)).toEqual(['failed'])
    expect(standIn.calls).toBe(1)
  })
})

test('Twilio: a message that may have been sent before a crash is not sent again', async () => {
  const { database, standIn, ask, settle } = await setUp('twilio', () => ({ kind: 'accept' }))
  await ask()
  await settle()
  // Comes after the worker's last commit, which an engine that waits may still be making.
  await database.run(pruneLimits, { now: 0 })
  // As a crash between Twilio's answer and the end of the job leaves it.
  database.sqlite.run("UPDATE jobs SET state = 'ready', ended_at = NULL WHERE kind = 'sms.send'")
  expect((await settle()).map(({ state }) => state)).toEqual(['done'])
  expect(standIn.messages).toHaveLength(1)
})

test('a code that was replaced or has expired is not sent any more', async () => {
  const { ask, standIn, clock, settle, jobs } = await setUp('webhook', (call) =>
    call === 1 ? { kind: 'status', status: 503, retryAfter: 90 } : { kind: 'accept' },
  )
  await ask()
  while (standIn.calls === 0) await Bun.sleep(1)
  while (jobs()[0]?.state !== 'ready') await Bun.sleep(1)
  await clock.advance(MINUTE)
  expect((await ask()).status).toBe(202)
  await settle()
  expect(standIn.messages).toHaveLength(1)
})

test('webhook: a verifier of Standard Webhooks accepts it, and no other body, id or time', async () => {
  const seen: { headers: Record<string, string>; body: string }[] = []
  const receiver = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      seen.push({ headers: Object.fromEntries(request.headers), body: await request.text() })
      return new Response(null, { status: 204 })
    },
  })
  stops.push(() => receiver.stop(true))
  const otpWebhookUrl = `http://127.0.0.1:${receiver.port}/hook`
  const { ask, settle } = await setUp('webhook', undefined, { otpWebhookUrl })
  await ask()
  await settle()
  const [delivery] = seen
  if (!delivery) throw new Error('nothing arrived')
  const verifier = new Webhook(secret)
  // It goes by the system's clock.
  setSystemTime(NOON)
  stops.push(async () => void setSystemTime())
  expect(verifier.verify(delivery.body, delivery.headers)).toEqual({
    type: 'sms.send',
    data: { to: phone, text: expect.stringMatching(/^\d{6} is your Pollux code/) },
  })
  const forged = { ...delivery.headers, 'webhook-id': 'another' }
  expect(() => verifier.verify(delivery.body, forged)).toThrow()
  expect(() =>
    verifier.verify(delivery.body.replace(phone, '+4930901821'), delivery.headers),
  ).toThrow()
})
