import { expect, test } from 'bun:test'
import { geminiFindings, pauseFindings } from '#src/cli/doctor/gemini.ts'
import { type Config, parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { accountOf } from '#src/provider.ts'
import { pauseModel } from '#src/queue/provider-limits.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const FREE = 'GenerateRequestsPerDayPerProjectPerModel-FreeTier'
const MODELS = ['gemini-2.5-flash-lite', 'gemini-flash-lite-latest']

function configWith(settings: Partial<Config>): Config {
  return { ...parseConfig({ NODE_ENV: 'test' }).config, geminiApiKey: 'right', ...settings }
}

/** The findings of a Gemini that knows one key and the two models of the defaults. */
async function findings(settings: Partial<Config>, behaviour?: Behaviour) {
  const behave = () => behaviour ?? ({ kind: 'answer' } as const)
  const gemini = createGeminiStandIn({ apiKey: 'right', models: MODELS, behave })
  try {
    return await geminiFindings(configWith({ geminiBaseUrl: gemini.url, ...settings }))
  } finally {
    await gemini.stop()
  }
}

async function checks(settings: Partial<Config>, behaviour?: Behaviour) {
  return (await findings(settings, behaviour)).map(({ check }) => check)
}

test('a right key and known models have nothing wrong', async () => {
  expect(await checks({})).toEqual([])
})

test('a wrong key is found, once', async () => {
  expect(await checks({ geminiApiKey: 'wrong' })).toEqual(['gemini-key'])
  for (const status of [401, 403]) {
    expect(await checks({}, { kind: 'status', status })).toEqual(['gemini-key'])
  }
})

test('a model that does not exist is found, of whatever setting', async () => {
  for (const setting of [
    { geminiModel: 'nonsense' },
    { geminiModels: ['nonsense'] },
    { geminiFallbackModels: ['nonsense'] },
  ]) {
    expect(await checks(setting)).toEqual(['gemini-model'])
  }
})

test('a key of the free tier is found by the name of its quota', async () => {
  const [finding] = await findings({}, { kind: 'status', status: 429, quotaIds: [FREE] })
  expect(finding).toMatchObject({ level: 'error', check: 'gemini-free-tier' })
  expect(finding?.what).toContain('EEA')
  const quotaIds = [FREE.replace('-FreeTier', '')]
  const paid: Behaviour = { kind: 'status', status: 429, quotaIds }
  expect(await checks({}, paid)).toEqual(['gemini-quota', 'gemini-quota'])
})

test('a model that is about to retire is found', async () => {
  const modelStatus = { modelStage: 'DEPRECATED', retirementTime: '2027-01-31T00:00:00Z' }
  const [finding] = await findings({}, { kind: 'answer', modelStatus })
  expect(finding).toMatchObject({ level: 'warning', check: 'gemini-retiring' })
  expect(finding?.what).toContain('2027-01-31')
  expect(await checks({}, { kind: 'answer', modelStatus: { modelStage: 'STABLE' } })).toEqual([])
})

test('a provider that cannot be reached, fails or is another is found', async () => {
  expect(await checks({ geminiBaseUrl: 'http://127.0.0.1:9' })).toEqual(['gemini'])
  expect(await checks({}, { kind: 'status', status: 503 })).toEqual(['gemini', 'gemini'])
  const page: Behaviour = { kind: 'raw', chunks: ['<html>'], contentType: 'text/html' }
  expect(await checks({}, page)).toEqual(['gemini', 'gemini'])
})

test('what the server has learned of its models is found without asking', async () => {
  await using folder = await temporaryFolder()
  const config = configWith({ databasePath: folder.file('pollux.db') })
  expect(pauseFindings(config, 0)).toEqual([])
  const database = openDatabase(config.databasePath)
  migrate(database.sqlite, { now: 0 })
  const pause = { ...accountOf(config), quotaId: null, until: 60_000, now: 0 }
  const found = (now: number, settings: Partial<Config> = {}) =>
    pauseFindings({ ...config, ...settings }, now).map(({ check }) => check)
  await database.run(pauseModel, { ...pause, model: 'one', reason: 'limited' })
  expect(found(0)).toEqual(['gemini-paused'])
  expect(found(60_000)).toEqual([])
  await database.run(pauseModel, { ...pause, model: 'one', reason: 'exhausted', quotaId: FREE })
  expect(found(0)).toEqual(['gemini-paused', 'gemini-free-tier'])
  await database.run(pauseModel, { ...pause, model: '', reason: 'key' })
  expect(found(0)).toEqual(['gemini-key', 'gemini-paused', 'gemini-free-tier'])
  expect(found(0, { geminiApiKey: 'another' })).toEqual([])
  database.close()
})
