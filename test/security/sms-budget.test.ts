import { afterEach, describe, expect, test } from 'bun:test'
import { createWorker } from '#src/queue/worker.ts'
import { createSmsStandIn, type SmsBehaviour } from '#standins/sms/server.ts'
import { NOON } from '#test/support/fake-clock.ts'
import { BEHIND_PROXY, listen } from '#test/support/networks.ts'
import { createAccountApp } from '#test/support/test-accounts.ts'

const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** Codes go by webhook to a gateway that behaves as given; `settle` waits until every delivery has ended. */
async function setUp(
  settings = {},
  behave: (call: number) => SmsBehaviour = () => ({ kind: 'accept' }),
) {
  const secret = `whsec_${Buffer.from('a-secret-of-twenty-four-b').toString('base64')}`
  const twilio = { accountSid: 'AC1', authToken: 'token' }
  const standIn = createSmsStandIn({ secret, twilio, behave, now: () => NOON })
  const app = createAccountApp({
    ...BEHIND_PROXY,
    otpDelivery: 'webhook',
    otpWebhookUrl: standIn.webhookUrl,
    otpWebhookSecret: secret,
    ...settings,
  })
  const { database, clock, random, log, services } = app
  const worker = createWorker({ database, clock, random, log, queue: services.queue })
  await worker.start({ alone: true })
  const networks = listen(app)
  stops.push(
    () => networks[Symbol.asyncDispose](),
    () => worker.stop(0),
    () => standIn.stop(),
  )
  const open = database.sqlite.query<{ state: string }, []>(
    "SELECT state FROM jobs WHERE ended_at IS NULL AND kind = 'sms.send'",
  )
  async function settle() {
    for (let turn = 0; open.all().length > 0; turn++) {
      if (turn > 2_000) throw new Error('deliveries never ended')
      await new Promise<void>((resolve) => setTimeout(resolve, 1))
      if (open.all().every(({ state }) => state !== 'running')) await clock.advance(1_000)
    }
  }
  const spent = () =>
    database.sqlite
      .query<{ count: number }, []>("SELECT count FROM rate_limits WHERE key LIKE 'codes-all:%'")
      .get()?.count ?? 0
  const from = (at: number) => networks.from(`2001:db8:${at}::1`)
  return { networks, standIn, settle, spent, from }
}

const phoneAt = (at: number) => `+493090${String(at).padStart(4, '0')}`

describe('the hourly budget', () => {
  test('is not spent by 1 000 codes for numbers that have no account', async () => {
    const { from, settle, spent, standIn } = await setUp({ smsHourlyBudget: 20 })
    await from(0)('signup', { phone: phoneAt(9_999) })
    for (let at = 0; at < 1_000; at += 10) {
      const ten = Array.from({ length: 10 }, (_, by) =>
        from(at + by)('send-otp', { phone: phoneAt(at + by) }),
      )
      for (const { status } of await Promise.all(ten)) expect(status).toBe(202)
      await settle()
    }
    expect(spent()).toBe(0)
    expect((await from(5_000)('send-otp', { phone: phoneAt(9_999) })).status).toBe(202)
    await settle()
    expect([spent(), standIn.messages.length]).toEqual([1, 1])
  })

  test('is spent by codes that are sent, and holds over all networks', async () => {
    const { from, settle, spent, standIn } = await setUp({ smsHourlyBudget: 5 })
    for (let at = 0; at < 6; at++) await from(at)('signup', { phone: phoneAt(at) })
    for (let at = 0; at < 5; at++) {
      expect((await from(at)('send-otp', { phone: phoneAt(at) })).status).toBe(202)
    }
    await settle()
    const refused = await from(5)('send-otp', { phone: phoneAt(5) })
    expect([refused.status, refused.headers.get('ratelimit-policy')]).toEqual([
      ...[429, '"codes-all";q=5;w=3600'],
    ])
    expect([spent(), standIn.messages.length]).toEqual([5, 5])
  })

  test.each([
    ['refuses the number', { kind: 'status', status: 400 } as const],
    ['is down until the code expires', { kind: 'status', status: 503 } as const],
  ])('is given back where the gateway %s', async (_, behaviour) => {
    const { from, settle, spent, standIn } = await setUp({}, () => behaviour)
    await from(0)('signup', { phone: phoneAt(0) })
    await from(0)('send-otp', { phone: phoneAt(0) })
    expect(spent()).toBe(1)
    await settle()
    expect(standIn.calls).toBeGreaterThan(0)
    expect(spent()).toBe(0)
  })

  test('stays spent where the SMS may have been sent', async () => {
    const { from, settle, spent } = await setUp({}, () => ({ kind: 'cut' }))
    await from(0)('signup', { phone: phoneAt(0) })
    await from(0)('send-otp', { phone: phoneAt(0) })
    await settle()
    expect(spent()).toBe(1)
  })

  test('is shared: no network takes more than a tenth, however many addresses it has', async () => {
    const { networks, from, spent, settle } = await setUp({
      smsHourlyBudget: 40,
      otpPerIpHour: 1_000,
    })
    const known = 10
    for (let at = 0; at < known; at++) await from(at)('signup', { phone: phoneAt(at) })
    const statuses: number[] = []
    const policies = new Set<string | null>()
    for (let at = 0; at < known; at++) {
      const answer = await networks.from(`2001:db8:77:${at.toString(16)}::1`)('send-otp', {
        phone: phoneAt(at),
      })
      statuses.push(answer.status)
      policies.add(answer.headers.get('ratelimit-policy'))
    }
    await settle()
    expect(statuses.filter((status) => status === 202)).toHaveLength(4)
    expect(policies).toEqual(new Set([null, '"codes-share";q=4;w=3600']))
    expect(spent()).toBe(4)
    expect((await from(1)('send-otp', { phone: phoneAt(9) })).status).toBe(202)
  })

  test('gives a network three codes where a tenth would be less', async () => {
    const { networks, from, settle } = await setUp({ smsHourlyBudget: 10 })
    for (let at = 0; at < 4; at++) await from(at)('signup', { phone: phoneAt(at) })
    const statuses: number[] = []
    for (let at = 0; at < 4; at++) {
      const answer = await networks.from('198.51.100.7')('send-otp', { phone: phoneAt(at) })
      statuses.push(answer.status)
    }
    await settle()
    expect(statuses).toEqual([202, 202, 202, 429])
  })
})
