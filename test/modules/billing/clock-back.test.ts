import { expect, test } from 'bun:test'
import pino from 'pino'
import { DAY, HOUR, SECOND } from '#src/lib/time.ts'
import { createGauges } from '#src/modules/metrics/gauges.ts'
import { createMetrics } from '#src/plugins/metrics.ts'
import { createTestBilling } from '#test/support/test-billing.ts'

/** The clock is set back by hours: what it dated before must not stay valid for that time. */
test('plans are read again after the clock was set back', async () => {
  await using billing = await createTestBilling()
  const user = await billing.signIn()
  const ask = async () => billing.send('GET', '/v1/plans', await billing.fresh(user))
  await ask()
  billing.clock.set(billing.clock.now() - HOUR)
  await ask()
  await ask()
  expect(billing.calls('GET', /prices/)).toHaveLength(2)
})

test('the pause after a 429 of Stripe ends when the clock was set back', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  billing.stripe.behave(() => ({ kind: 'status', status: 429, retryAfter: 30 }))
  const sync = async () => billing.send('POST', '/v1/subscription/sync', await billing.fresh(user))
  expect((await sync()).status).toBe(503)
  billing.stripe.behave(() => ({ kind: 'answer' }))
  billing.clock.set(billing.clock.now() - HOUR)
  expect((await sync()).status).toBe(200)
})

test('a page of the portal is not reused when the clock was set back', async () => {
  await using billing = await createTestBilling()
  const user = await billing.subscriber()
  const portal = async () =>
    billing.send('POST', '/v1/subscription/portal', await billing.fresh(user))
  await portal()
  billing.clock.set(billing.clock.now() - HOUR)
  await portal()
  expect(billing.state.portals.size).toBe(2)
})

test('an alarm is logged again when the clock was set back', async () => {
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) })
  await using billing = await createTestBilling({ log })
  const user = await billing.subscriber()
  billing.state.setup.portalSaved = false
  const portal = async () =>
    billing.send('POST', '/v1/subscription/portal', await billing.fresh(user))
  await portal()
  billing.clock.set(billing.clock.now() - HOUR)
  await portal()
  await portal()
  expect(lines).toHaveLength(2)
})

test('users are counted and the queue is read again when the clock was set back', async () => {
  await using billing = await createTestBilling({ work: false })
  const { database, clock } = billing
  const metrics = createMetrics()
  let asked = 0
  const countTiers = async () => ({ basic: 0, pro: ++asked })
  for (const gauge of createGauges({
    database,
    clock,
    path: ':memory:',
    backupDir: undefined,
    countTiers,
    pauses: async () => [],
  })) {
    metrics.watch(gauge)
  }
  await metrics.text()
  clock.set(clock.now() - DAY)
  database.sqlite.run(
    "INSERT INTO jobs (kind, state, turn, body, due_at, created_at) VALUES ('k', 'ready', 1, '{}', ?1, ?1)",
    [clock.now() - 2 * SECOND],
  )
  expect(await metrics.text()).toContain('pollux_jobs_oldest_seconds{kind="k"} 2\n')
  await Bun.sleep(0)
  expect(asked).toBe(2)
})
