import { expect, test } from 'bun:test'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { createAccountApp, PASSWORD, PHONE, UNUSED_PHONE } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

test('known and unknown numbers get the same status, headers and body shape everywhere', async () => {
  const { post, send } = createAccountApp({ otpPerNumberDay: 1_000 })
  await post('signup', { phone: PHONE })
  await post('signup', { phone: '+4930901829', password: 'seven oaks under a lantern' })
  const shape = async (answer: Response) => ({
    status: answer.status,
    headers: [...answer.headers].filter(([name]) => name !== 'x-request-id'),
    body: Object.keys(await json<object>(answer)),
  })
  const newPassword = 'seven oaks under a lantern'
  const requests: [path: string, body: object][] = [
    ['signup', {}],
    ['signup', { password: newPassword }],
    ['forgot-password', {}],
    ['forgot-password', {}],
    ['send-otp', { password: 'not the right one' }],
    ['verify-otp', { otp: '000000' }],
    ['reset-password', { otp: '000000', newPassword }],
  ]
  for (const [path, body] of requests) {
    const known = await shape(await post(path, { phone: PHONE, ...body }))
    const unknown = await shape(await post(path, { phone: UNUSED_PHONE, ...body }))
    expect([path, unknown]).toEqual([path, known])
  }
  expect((await send('GET', '/livez')).status).toBe(200)
})

test('what an answer tells of its times is the same for all', async () => {
  const { post } = createAccountApp()
  await post('signup', { phone: PHONE })
  const [known, unknown] = [
    await json<CodeSent>(post('send-otp', { phone: PHONE })),
    await json<CodeSent>(post('send-otp', { phone: UNUSED_PHONE })),
  ]
  const same = { otp: '', challengeId: '' }
  expect({ ...known, ...same }).toEqual({ ...unknown, ...same })
})

test('the database does the same work for known and unknown numbers, the delivery’s job included', async () => {
  const { post, database } = createAccountApp({ otpDelivery: 'log', otpPerNumberDay: 1_000 })
  database.sqlite.run(
    "INSERT INTO users (id, phone, password_hash, verified_at, created_at, updated_at) VALUES ('known', ?1, ?2, 1, 1, 1)",
    [
      PHONE,
      await Bun.password.hash(PASSWORD, { algorithm: 'argon2id', memoryCost: 8, timeCost: 1 }),
    ],
  )
  const changes = () =>
    database.sqlite.query<{ n: number }, []>('SELECT total_changes() AS n').get()?.n ?? 0
  const rows = () =>
    ['otp_challenges', 'rate_limits', 'jobs', 'audit_log'].map(
      (table) =>
        database.sqlite.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()?.n ??
        0,
    )
  async function workOf(path: string, body: object) {
    const [changed, ...held] = [changes(), ...rows()]
    const { status } = await post(path, body)
    const now = rows()
    return { status, changed: changes() - changed, added: now.map((n, at) => n - (held[at] ?? 0)) }
  }
  // Counters that everybody shares exist from here on.
  await post('send-otp', { phone: '+4930901825' })
  const newPassword = 'seven oaks under a lantern'
  const requests: [path: string, body: object][] = [
    ['send-otp', { password: 'not the right one' }],
    ['send-otp', {}],
    ['forgot-password', {}],
    ['verify-otp', { otp: '000000' }],
    ['verify-otp', { otp: '000000', password: newPassword }],
    ['reset-password', { otp: '000000', newPassword }],
    ['send-otp', {}],
  ]
  for (const [path, body] of requests) {
    const known = await workOf(path, { phone: PHONE, ...body })
    const unknown = await workOf(path, { phone: UNUSED_PHONE, ...body })
    expect([path, unknown]).toEqual([path, known])
    if (known.status !== 429) expect(known.changed).toBeGreaterThan(0)
  }
})
