import { expect, test } from 'bun:test'
import { createCommitHealth } from '#src/database/commit-health.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { command } from '#src/database/steps.ts'
import { createLog } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
import { createReadiness } from '#src/modules/health/readiness.ts'
import { markOne } from '#src/modules/limits/statements.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const MIB = 1024 * 1024

async function setUp() {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const clock = createFakeClock()
  const lines: string[] = []
  const log = createLog('info', { to: { write: (line) => lines.push(line) } })
  const commitHealth = createCommitHealth({ clock, log, path })
  let commits = 0
  const database = openDatabase(path, {
    committed(commands, ms, wrote) {
      commits += 1
      commitHealth.committed(commands, ms, wrote)
    },
    refused: commitHealth.refused,
  })
  migrate(database.sqlite, { now: clock.now() })
  const worker = { lastBeatAt: clock.now() }
  const left = { freeBytes: 1_000 * MIB, walBytes: 0, filesLeft: 1_000 }
  const host = {
    freeBytes: () => left.freeBytes,
    walBytes: () => left.walBytes,
    filesLeft: () => left.filesLeft,
  }
  const state = { draining: false, provider: [] as string[] }
  const deps = {
    database,
    path,
    commitHealth,
    clock,
    worker,
    log,
    host,
    provider: () => state.provider,
    draining: () => state.draining,
  }
  const check = createReadiness(deps)
  return {
    ...folder,
    path,
    database,
    clock,
    worker,
    left,
    state,
    check,
    lines,
    commits: () => commits,
  }
}

test('a server that does its work has nothing to say, and says it by a commit', async () => {
  await using set = await setUp()
  expect(await set.check()).toEqual([])
  expect(set.commits()).toBe(1)
  // A commit of a moment ago is proof enough.
  expect(await set.check()).toEqual([])
  expect(set.commits()).toBe(1)
  set.clock.set(set.clock.now() + 3 * SECOND)
  await Promise.all([set.check(), set.check(), set.check()])
  expect(set.commits()).toBe(2)
})

test('a commit that wrote nothing proves nothing', async () => {
  await using set = await setUp()
  const idle = command('test.idle', function* () {})
  await set.check()
  set.clock.set(set.clock.now() + 3 * SECOND)
  await set.database.run(idle, undefined)
  expect(set.commits()).toBe(2)
  await set.check()
  expect(set.commits()).toBe(3)
})

test('a commit from the future proves nothing: the clock was set back since', async () => {
  await using set = await setUp()
  await set.check()
  expect(set.commits()).toBe(1)
  for (const [at, backMs] of [1, SECOND, 3_600 * SECOND].entries()) {
    set.clock.set(set.clock.now() - backMs)
    set.worker.lastBeatAt = set.clock.now()
    expect(await set.check()).toEqual([])
    expect(set.commits()).toBe(at + 2)
  }
})

test('a database that takes no commit is not ready, though one succeeded in the future', async () => {
  await using set = await setUp()
  await set.check()
  set.clock.set(set.clock.now() - 3_600 * SECOND)
  set.worker.lastBeatAt = set.clock.now()
  set.database.sqlite.run('PRAGMA query_only = ON')
  expect((await set.check()).join()).toContain('cannot be written to')
})

test('what is missing is an error in the log, whose name tells which', async () => {
  await using set = await setUp()
  set.left.filesLeft = 0
  await set.check()
  set.left.filesLeft = 1_000
  await set.check()
  expect(set.lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'error', msg: expect.stringContaining('not ready: All files') },
    { level: 'info', msg: 'ready again' },
  ])
})

test('each limit is exact', async () => {
  await using set = await setUp()
  const isRed = async (change: () => void) => {
    Object.assign(set.left, { freeBytes: 1_000 * MIB, walBytes: 0, filesLeft: 1_000 })
    set.worker.lastBeatAt = set.clock.now()
    change()
    return (await set.check()).length > 0
  }
  expect(await isRed(() => Object.assign(set.left, { freeBytes: 16 * MIB }))).toBe(false)
  expect(await isRed(() => Object.assign(set.left, { freeBytes: 16 * MIB - 1 }))).toBe(true)
  expect(await isRed(() => Object.assign(set.left, { walBytes: 1_024 * MIB }))).toBe(false)
  expect(await isRed(() => Object.assign(set.left, { walBytes: 1_024 * MIB + 1 }))).toBe(true)
  expect(await isRed(() => Object.assign(set.left, { filesLeft: 8 }))).toBe(false)
  expect(await isRed(() => Object.assign(set.left, { filesLeft: 7 }))).toBe(true)
  const beat = (agoMs: number) => Object.assign(set.worker, { lastBeatAt: set.clock.now() - agoMs })
  expect(await isRed(() => beat(5 * SECOND))).toBe(false)
  expect(await isRed(() => beat(5 * SECOND + 1))).toBe(true)
})

test('each thing that is missing is named', async () => {
  await using set = await setUp()
  set.left.freeBytes = 10 * MIB
  set.left.walBytes = 2_000 * MIB
  set.left.filesLeft = 2
  set.worker.lastBeatAt -= 6 * SECOND
  set.state.provider = ['provider-key: refused.']
  const faults = await set.check()
  for (const word of ['worker', 'disk', '2000 MiB', 'connections', 'provider-key']) {
    expect(faults.join('\n')).toContain(word)
  }
  set.state.draining = true
  expect(await set.check()).toEqual(['The server is about to stop.'])
})

test('a change is logged once, not at each question', async () => {
  await using set = await setUp()
  set.left.freeBytes = 0
  for (let at = 0; at < 3; at++) await set.check()
  set.left.freeBytes = 1_000 * MIB
  for (let at = 0; at < 3; at++) await set.check()
  const said = set.lines.map((line) => JSON.parse(line).msg)
  expect(said).toEqual(['not ready: The disk of the database is almost full.', 'ready again'])
})

test('a write lock that another process keeps is told', async () => {
  await using set = await setUp()
  const other = openDatabase(set.path)
  other.sqlite.run('BEGIN IMMEDIATE')
  expect((await set.check()).join()).toContain('write lock')
  other.sqlite.run('ROLLBACK')
  expect(await set.check()).toEqual([])
}, 15_000)

test('a reader that stays makes the log grow; when it goes the log is used again', async () => {
  await using set = await setUp()
  const insert = command('test.insert', function* (tx, key: string) {
    yield* tx.run(markOne, { key: `${key} ${'x'.repeat(4_000)}`, endsAt: 1 })
  })
  const reader = openDatabase(set.path)
  reader.sqlite.run('BEGIN')
  reader.sqlite.query('SELECT count(*) FROM rate_limits').get()
  const write = async (from: number) => {
    for (let at = from; at < from + 2_000; at += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, one) => set.database.run(insert, `${at + one}`)),
      )
    }
    return Bun.file(`${set.path}-wal`).size
  }
  const first = await write(0)
  const second = await write(2_000)
  expect(second).toBeGreaterThan(first * 1.5)
  expect(set.database.checkpoint()).toBeGreaterThan(0)
  set.left.walBytes = second * 100
  expect((await set.check()).join()).toContain('reads the database without end')
  reader.sqlite.run('COMMIT')
  reader.close()
  expect(set.database.checkpoint()).toBe(0)
  expect(await write(4_000)).toBeLessThan(second * 1.1)
}, 30_000)
