import { expect, test } from 'bun:test'
import { copyFileSync, renameSync } from 'node:fs'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { tally } from '#src/modules/limits/commands.ts'
import { startWriterThread } from '#src/writer-port.ts'
import { temporaryFolder } from './support/folder.ts'

const limit = { name: 'test', key: 'test', most: 1, windowMs: 1_000 }

async function setUp() {
  const folder = await temporaryFolder()
  const path = folder.file('data.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: path })
  return {
    database,
    path,
    thread: startWriterThread(config),
    async [Symbol.asyncDispose]() {
      database.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('what is committed while the thread starts waits for it, and its end loses nothing', async () => {
  await using set = await setUp()
  const { database, thread } = set
  database.moveWriter(thread.port)
  const early = database.run(tally, { limit, now: 0 })
  await thread.ready
  const late = database.run(tally, { limit, now: 0 })
  await database.bringWriterBack()
  expect(await Promise.all([early, late])).toEqual([1, 2])
  expect(await database.run(tally, { limit, now: 0 })).toBe(3)
})

test.each([
  ['gone', (path: string) => renameSync(path, `${path}.away`)],
  [
    'another',
    (path: string) => {
      copyFileSync(path, `${path}.other`)
      renameSync(`${path}.other`, path)
    },
  ],
])('a thread is not given the writer where the file is %s', async (_what, lose) => {
  await using set = await setUp()
  const { database, path, thread } = set
  await thread.ready
  lose(path)
  expect(() => database.moveWriter(thread.port)).toThrow(/deleted|replaced/)
  expect(database.thread).toBeUndefined()
  await thread.port.close()
})

test('a thread that fails ends the process: its next start finds everything that was acknowledged', async () => {
  await using folder = await temporaryFolder()
  const program = `
    import { parseConfig } from '#src/config/config.ts'
    import { startWriterThread } from '#src/writer-port.ts'
    const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: '${folder.file('data.db')}' })
    const { port, ready } = startWriterThread(config)
    await ready
    setInterval(() => {}, 1_000)
    port.post('not what a thread is sent')`
  const child = Bun.spawn([process.execPath, '-e', program], {
    cwd: `${import.meta.dir}/..`,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  expect(await child.exited).not.toBe(0)
  expect(await new Response(child.stderr).text()).toContain("The writer's thread failed")
})

test('a thread that cannot open the database is never ready', async () => {
  await using folder = await temporaryFolder()
  const program = `
    import { parseConfig } from '#src/config/config.ts'
    import { startWriterThread } from '#src/writer-port.ts'
    const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: '${folder.path}' })
    await startWriterThread(config).ready
    console.log('ready')`
  const child = Bun.spawn([process.execPath, '-e', program], {
    cwd: `${import.meta.dir}/..`,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(await child.exited).not.toBe(0)
  expect(await new Response(child.stdout).text()).toBe('')
})
