import { expect, test } from 'bun:test'
import { auditLog } from '#drizzle/schema.ts'
import { DAY } from '#src/lib/time.ts'
import { audit, getAudit } from '#src/modules/audit/audit.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

test('the audit log tells who did what, whence, and never a secret', async () => {
  const { send, database } = createTestApp()
  const phone = '+4930901820'
  const password = 'seven oaks under a lantern'
  const headers = { 'x-request-id': 'r-1' }
  await send('POST', '/v1/auth/signup', { body: { phone, password }, headers })
  const sent = send('POST', '/v1/auth/send-otp', { body: { phone, password } })
  const { otp } = await json<CodeSent>(sent)
  const login = await json<{ token: string; refreshToken: string; user: { id: string } }>(
    send('POST', '/v1/auth/verify-otp', { body: { phone, otp } }),
  )
  await send('POST', '/v1/auth/logout', { token: login.token })
  const rows = database.orm.select().from(auditLog).all()
  expect(rows.map(({ event, actor }) => `${event} ${actor}`)).toEqual([
    'account.signed-up stranger',
    'account.verified user',
    'login.succeeded user',
    'session.ended user',
  ])
  expect(new Set(rows.map(({ userId }) => userId))).toEqual(new Set([login.user.id]))
  expect(rows[0]?.requestId).toBe('r-1')
  const text = JSON.stringify(rows)
  for (const secret of [phone, password, otp, login.token, login.refreshToken]) {
    expect(text).not.toContain(secret ?? 'none')
  }
})

test('the audit log is appended to only, and its last 90 days cannot be taken out', async () => {
  const { database } = createTestApp()
  const entry = { event: 'x.y', userId: null, actor: 'system' } as const
  for (const at of [0, 50 * DAY, 100 * DAY]) await database.run(audit, { ...entry, at })
  expect(() => database.sqlite.run("UPDATE audit_log SET event = 'z'")).toThrow('append-only')
  expect(() => database.sqlite.run('DELETE FROM audit_log WHERE at = 4320000000')).toThrow(
    '90 days',
  )
  expect(database.sqlite.run('DELETE FROM audit_log WHERE at = 0').changes).toBe(1)
})

test('entries are found by user and by the beginning of the event, the newest first', async () => {
  const { database } = createTestApp()
  const written = [
    ['login.succeeded', 'ada'],
    ['login.failed', 'ada'],
    ['session.ended', 'ada'],
    ['login.succeeded', 'bob'],
  ] as const
  for (const [at, [event, userId]] of written.entries()) {
    await database.run(audit, { at, event, userId, actor: 'user' })
  }
  const find = async (event: string | undefined, userId: string | undefined, limit = 10) =>
    (await database.read(getAudit, { event, userId, limit })).map(({ at }) => at)
  expect(await find(undefined, undefined)).toEqual([3, 2, 1, 0])
  expect(await find('login', undefined)).toEqual([3, 1, 0])
  expect(await find(undefined, 'ada')).toEqual([2, 1, 0])
  expect(await find('login', 'ada')).toEqual([1, 0])
  expect(await find('login', 'ada', 1)).toEqual([1])
  // Neither a pattern nor a part of the event.
  expect(await find('%', 'ada')).toEqual([])
  expect(await find('succeeded', undefined)).toEqual([])
})
