import { expect, test } from 'bun:test'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { pollux } from '#test/support/terminal.ts'

test('pollux audit shows the newest first, by event and by user', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  const entry = { at: 1_000, userId: 'ada', actor: 'system' } as const
  await database.run(audit, { ...entry, event: 'login.succeeded', actor: 'user' })
  await database.run(audit, {
    ...entry,
    event: 'billing.charge.refunded',
    detail: { amount: 900 },
  })
  await database.run(audit, {
    ...entry,
    event: 'billing.charge.dispute.created',
    userId: 'bob',
  })
  database.close()
  const ask = (...options: string[]) =>
    pollux(['audit', ...options], { NODE_ENV: 'test', DATABASE_URL: `file:${path}` })
  const events = async (...options: string[]) =>
    JSON.parse((await ask('--json', ...options)).out).map(({ event }: { event: string }) => event)

  expect(await events()).toEqual([
    'billing.charge.dispute.created',
    'billing.charge.refunded',
    'login.succeeded',
  ])
  expect(await events('--event', 'billing.charge.refund')).toEqual(['billing.charge.refunded'])
  expect(await events('--event', '%')).toEqual([])
  expect(await events('--user', 'bob')).toEqual(['billing.charge.dispute.created'])
  expect(await events('--limit', '1')).toEqual(['billing.charge.dispute.created'])
  const { out } = await ask('--event', 'billing.charge.refund')
  expect(out).toContain('1970-01-01T00:00:01.000Z')
  expect(out).toContain('{"amount":900}')
})
