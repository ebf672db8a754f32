import { describe, expect, test } from 'bun:test'
import pino from 'pino'
import { MINUTE } from '#src/lib/time.ts'
import { createMetrics } from '#src/plugins/metrics.ts'
import { sign } from '#standins/stripe/deliveries.ts'
import { createTestBilling, eventOf, WEBHOOK_SECRET } from '#test/support/test-billing.ts'

async function watched() {
  const lines: { alarm?: string; reason?: string; remedy?: string; refusedInARow?: number }[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  const billing = await createTestBilling({ log, metrics, deliver: false })
  const deliver = async (secret = WEBHOOK_SECRET, ageSeconds = 0) => {
    const payload = eventOf()
    const at = billing.clock.now() - ageSeconds * 1_000
    return (await billing.deliver(payload, { 'stripe-signature': sign(payload, secret, at) }))
      .status
  }
  const counted = async () =>
    Object.fromEntries(
      [...(await metrics.text()).matchAll(/stripe_deliveries_total\{outcome="(\w+)"\} (\d+)/g)].map(
        ([, outcome, count]) => [outcome, Number(count)],
      ),
    )
  return { billing, lines, deliver, counted }
}

describe('A wrong signing secret', () => {
  test('is an alarm from the third delivery on that is refused in a row', async () => {
    const { billing, lines, deliver } = await watched()
    await using _ = billing
    expect([await deliver('whsec_of_another'), await deliver('whsec_of_another')]).toEqual([
      400, 400,
    ])
    expect(lines).toEqual([])
    await deliver('whsec_of_another')
    expect(lines).toMatchObject([
      { level: 50, alarm: 'stripe-webhook', reason: 'wrong signature', refusedInARow: 3 },
    ])
    expect(lines[0]?.remedy).toContain('STRIPE_WEBHOOK_SECRETS')
    expect(JSON.stringify(lines)).not.toContain('whsec_')
  })

  test('is logged once a minute, however many deliveries come', async () => {
    const { billing, lines, deliver } = await watched()
    await using _ = billing
    for (let at = 0; at < 20; at++) await deliver('whsec_of_another')
    expect(lines).toHaveLength(1)
    billing.clock.set(billing.clock.now() + MINUTE)
    await deliver('whsec_of_another')
    expect(lines.map(({ refusedInARow }) => refusedInARow)).toEqual([3, 21])
  })

  test('is no alarm while deliveries succeed in between', async () => {
    const { billing, lines, deliver } = await watched()
    await using _ = billing
    for (const secret of ['x', 'x', WEBHOOK_SECRET, 'x', 'x', WEBHOOK_SECRET, 'x', 'x']) {
      await deliver(secret)
    }
    expect(lines).toEqual([])
  })

  test('is no alarm where the signature has not the form of Stripe’s', async () => {
    const { billing, lines, counted } = await watched()
    await using _ = billing
    for (let at = 0; at < 10; at++) {
      await billing.send('POST', '/v1/webhook/stripe', { body: eventOf() })
      await billing.deliver(eventOf(), { 'stripe-signature': 'garbage' })
    }
    expect(lines).toEqual([])
    expect(await counted()).toEqual({ unsigned: 20 })
  })
})

test('A clock that is wrong by more than five minutes is an alarm that says so', async () => {
  const { billing, lines, deliver } = await watched()
  await using _ = billing
  for (let at = 0; at < 3; at++) await deliver(WEBHOOK_SECRET, 301)
  expect(lines).toMatchObject([{ alarm: 'stripe-webhook', reason: 'too old' }])
  expect(lines[0]?.remedy).toContain('clock')
})

test('A delivery that is signed but no event is refused without an alarm: the secret is right', async () => {
  const { billing, lines } = await watched()
  await using _ = billing
  for (const payload of ['not json', '[]', '{}', '{"object":"v2.core.event"}']) {
    expect((await billing.deliver(payload)).status).toBe(400)
  }
  expect(lines).toEqual([])
})

test('Deliveries are counted by outcome', async () => {
  const { billing, deliver, counted } = await watched()
  await using _ = billing
  await deliver()
  await deliver('x')
  await deliver(WEBHOOK_SECRET, 301)
  await deliver()
  expect(await counted()).toEqual({ accepted: 2, refused: 2 })
})
