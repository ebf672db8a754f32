import { expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { mkdir, utimes } from 'node:fs/promises'
import { createGauges } from '#src/modules/metrics/gauges.ts'
import { createMetrics } from '#src/plugins/metrics.ts'
import type { Pause } from '#src/queue/provider-limits.ts'
import { databaseInFolder } from '#test/support/database-in-folder.ts'
import { createFakeClock, turns } from '#test/support/fake-clock.ts'
import { createAccountApp, otherThan, PHONE } from '#test/support/test-accounts.ts'
import { createTestApp } from '#test/support/test-app.ts'

const TOKEN = 'a-token-for-prometheus'
const shown = { authorization: `Bearer ${TOKEN}` }

test('GET /metrics wants its token', async () => {
  const { send } = createTestApp({ metricsToken: TOKEN }, { metrics: createMetrics() })
  expect((await send('GET', '/metrics')).status).toBe(401)
  expect((await send('GET', '/metrics', { token: `${TOKEN}x` })).status).toBe(401)
  const lower = await send('GET', '/metrics', { headers: { authorization: `bearer   ${TOKEN}` } })
  expect(lower.status).toBe(200)
  const answer = await send('GET', '/metrics', { headers: shown })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toStartWith('text/plain; version=0.0.4')
})

test('without a token configured the API has no /metrics', async () => {
  const { send } = createTestApp({}, { metrics: createMetrics() })
  expect((await send('GET', '/metrics')).status).toBe(404)
})

test('requests are counted by method, route pattern and status', async () => {
  const metrics = createMetrics()
  const { send, signIn } = createTestApp({ metricsToken: TOKEN }, { metrics })
  const { token } = await signIn()
  await send('POST', '/v1/chatroom', { token, body: {} })
  await send('GET', '/v1/chatroom/one', { token })
  await send('GET', '/v1/chatroom/two', { token })
  await turns(2)
  const text = await (await send('GET', '/metrics', { headers: shown })).text()
  const name = 'pollux_http_request_duration_seconds_count'
  expect(text).toContain(`${name}{method="POST",route="/v1/chatroom",status="201"} 1`)
  expect(text).toContain(`${name}{method="GET",route="/v1/chatroom/:id",status="404"} 2`)
  expect(text).not.toContain('/v1/chatroom/one')
})

test('what modules report is in the text', async () => {
  const metrics = createMetrics()
  const { meters } = metrics
  meters.providerCall('gemini', 'limited', 120)
  meters.tokens(10, 30)
  meters.otp('sent')
  meters.jobStarted('message.reply', 2)
  meters.jobEnded('message.reply', 'done', 800)
  meters.committed(12, 0.4)
  const left = meters.reader()
  meters.reader()
  left()
  left()
  const text = await metrics.text()
  for (const line of [
    'pollux_provider_call_duration_seconds_count{provider="gemini",outcome="limited"} 1',
    'pollux_tokens_total{direction="reply"} 30',
    'pollux_otp_total{event="sent"} 1',
    'pollux_job_wait_seconds_count{kind="message.reply"} 1',
    'pollux_job_duration_seconds_count{kind="message.reply",outcome="done"} 1',
    'pollux_commit_commands_sum 12',
    'pollux_commit_duration_seconds_count 1',
    'pollux_readers 1',
  ]) {
    expect(text).toContain(`\n${line}\n`)
  }
  expect(text).toMatch(/\nnodejs_eventloop_lag_p99_seconds \S+\n/)
  expect(text).toMatch(/\nprocess_resident_memory_bytes \d+\n/)
  expect(text).not.toContain('heap_space')
})

test('codes sent, refused and verified are counted by the routes that do it', async () => {
  const metrics = createMetrics()
  const { post, code, verify, send } = createAccountApp({ metricsToken: TOKEN }, { metrics })
  await post('signup', { phone: PHONE })
  const otp = await code()
  expect((await verify(otherThan(otp))).status).toBe(401)
  expect((await verify(otherThan(otp, 2))).status).toBe(401)
  expect((await verify(otp)).status).toBe(200)
  // Too soon for another: nothing is sent, and nothing counted.
  await post('forgot-password', { phone: PHONE })
  expect((await post('forgot-password', { phone: PHONE })).status).toBe(429)
  const text = await (await send('GET', '/metrics', { headers: shown })).text()
  for (const line of [
    'pollux_otp_total{event="sent"} 2',
    'pollux_otp_total{event="refused"} 2',
    'pollux_otp_total{event="verified"} 1',
  ]) {
    expect(text).toContain(`\n${line}\n`)
  }
})

test('the queue is read when somebody scrapes, and an empty one leaves no old value', async () => {
  const { database, clock } = createTestApp()
  const metrics = createMetrics()
  const about = { since: clock.now(), quotaId: null }
  const paused: Pause[] = [
    { model: 'one', reason: 'limited', until: clock.now() + 7_000, ...about },
    { model: '', reason: 'key', until: clock.now() - 5_000, ...about },
  ]
  const gauges = createGauges({
    database,
    clock,
    path: ':memory:',
    backupDir: undefined,
    countTiers: async () => ({ basic: 3, pro: 1 }),
    pauses: async () => paused,
  })
  for (const gauge of gauges) metrics.watch(gauge)
  database.sqlite.run(
    `INSERT INTO jobs (kind, state, turn, body, due_at, created_at) VALUES ('k', 'ready', 1, '{}', ?1, ?1)`,
    [clock.now() - 90_000],
  )
  const before = await metrics.text()
  expect(before).toContain('pollux_jobs{kind="k",state="ready"} 1\n')
  expect(before).toContain('pollux_jobs_oldest_seconds{kind="k"} 90\n')
  expect(before).toContain('pollux_users{tier="pro"} 1\n')
  expect(before).toContain('pollux_provider_paused_seconds{model="one",reason="limited"} 7\n')
  expect(before).toContain('pollux_provider_paused_seconds{model="all",reason="key"} 1\n')
  paused.length = 0
  database.sqlite.run('DELETE FROM jobs')
  clock.set(clock.now() + 2_000)
  const after = await metrics.text()
  expect(after).not.toContain('pollux_jobs{')
  expect(after).not.toContain('pollux_provider_paused_seconds{')
})

test('the age of the nightly backup is told, that of the database while there is none', async () => {
  await using set = await databaseInFolder()
  const backupDir = set.file('backups')
  const now = statSync(set.path).birthtimeMs + 5_000
  const clock = createFakeClock(now)
  const metrics = createMetrics()
  const countTiers = async () => ({ basic: 0, pro: 0 })
  const { database, path } = set
  for (const gauge of createGauges({
    database,
    clock,
    path,
    backupDir,
    countTiers,
    pauses: async () => [],
  }))
    metrics.watch(gauge)
  const age = async () => /^pollux_backup_age_seconds (\S+)$/m.exec(await metrics.text())?.[1]
  // The folder is not there.
  expect(Number(await age())).toBeCloseTo(5)
  await mkdir(backupDir)
  expect(Number(await age())).toBeCloseTo(5)
  for (const [name, secondsAgo] of Object.entries({
    'pollux-20261121T031500Z.db': 90,
    'pollux-20261122T031500Z.db': 3,
    'pollux-before-0001_x-20261122T031501Z.db': 1,
    'pollux-20261123T031500Z.db.partial': 0,
  })) {
    const at = (now - secondsAgo * 1_000) / 1_000
    await Bun.write(`${backupDir}/${name}`, 'x')
    await utimes(`${backupDir}/${name}`, at, at)
  }
  expect(Number(await age())).toBeCloseTo(3)
})
