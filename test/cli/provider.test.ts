import { expect, test } from 'bun:test'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { MINUTE } from '#src/lib/time.ts'
import { accountOf } from '#src/provider.ts'
import { pauseModel } from '#src/queue/provider-limits.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { pollux } from '#test/support/terminal.ts'

async function setUp(paused: { model: string; reason: 'limited' | 'exhausted' | 'key' }[]) {
  const folder = await temporaryFolder()
  const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${folder.file('pollux.db')}` }
  const { config } = parseConfig(environment)
  const database = openDatabase(config.databasePath)
  const now = Date.now()
  migrate(database.sqlite, { now })
  for (const { model, reason } of paused) {
    const quotaId = reason === 'exhausted' ? 'PerDay' : null
    const about = { ...accountOf(config), quotaId, until: now + MINUTE, now }
    await database.run(pauseModel, { ...about, model, reason })
  }
  database.close()
  return {
    pollux: (...argv: string[]) => pollux(argv, environment),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}

test('pollux provider shows which models are paused, why and until when', async () => {
  await using set = await setUp([
    { model: 'flash', reason: 'exhausted' },
    { model: '', reason: 'key' },
  ])
  const shown = await set.pollux('provider', 'show')
  expect(shown.code).toBe(0)
  expect(shown.out).toMatch(/^all models +refuses GEMINI_API_KEY +20/m)
  expect(shown.out).toMatch(/^flash +quota used up +\S+Z +\S+Z +PerDay/m)
  expect(JSON.parse((await set.pollux('provider', 'show', '--json')).out)).toMatchObject([
    { model: null, reason: 'key' },
    { model: 'flash', reason: 'exhausted', quotaId: 'PerDay', until: expect.stringMatching(/Z$/) },
  ])
  expect((await set.pollux('jobs', 'stats')).out).toMatch(/^flash +quota used up/m)
})

test('pollux provider resume lifts one pause or all, and is audited', async () => {
  await using set = await setUp([
    { model: 'flash', reason: 'limited' },
    { model: 'pro', reason: 'limited' },
    { model: '', reason: 'key' },
  ])
  expect(await set.pollux('provider', 'resume', 'nonsense')).toMatchObject({ code: 1 })
  expect(await set.pollux('provider', 'resume', 'flash')).toMatchObject({ code: 0 })
  const left = JSON.parse((await set.pollux('provider', 'show', '--json')).out)
  expect(left).toMatchObject([{ model: null }, { model: 'pro' }])
  expect(await set.pollux('provider', 'resume')).toMatchObject({ code: 0 })
  expect((await set.pollux('provider', 'show')).out).toBe('No model is paused.\n')
  expect(await set.pollux('provider', 'resume')).toMatchObject({ code: 1 })
  const audit = JSON.parse((await set.pollux('audit', '--event', 'provider.resumed', '--json')).out)
  expect(audit).toMatchObject([
    { actor: 'operator', detail: { model: null, lifted: 2 } },
    { actor: 'operator', detail: { model: 'flash', lifted: 1 } },
  ])
})
