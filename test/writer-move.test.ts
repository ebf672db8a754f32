import { expect, test } from 'bun:test'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/migrate.ts'
import { openDatabase, WRITER_MOVED } from '#src/database/open.ts'
import { silentLog } from '#src/lib/log.ts'
import { createWriterMove } from '#src/writer-move.ts'
import { temporaryFolder } from './support/folder.ts'

async function setUp(writerThread: 'auto' | 'never') {
  const folder = await temporaryFolder()
  const path = folder.file('data.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: path })
  const writer = createWriterMove({ ...config, writerThread }, database, silentLog)
  return {
    database,
    writer,
    /** Commits that take half of each of three seconds. */
    load() {
      for (let at = 0; at < 60; at++) writer.committed(25, at * 50)
    },
    async [Symbol.asyncDispose]() {
      await writer.stop()
      database.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('under load the writer moves to one thread, and comes back for good when it is stopped', async () => {
  await using set = await setUp('auto')
  const moves: boolean[] = []
  set.database.notifications.subscribe(WRITER_MOVED, () =>
    moves.push(set.database.thread !== undefined),
  )
  set.load()
  await set.writer.move()
  set.load()
  await set.writer.move()
  expect(moves).toEqual([true])
  await set.writer.stop()
  set.load()
  await set.writer.move()
  expect(moves).toEqual([true, false])
})

test('stopped while the thread starts, it stays', async () => {
  await using set = await setUp('auto')
  const moving = set.writer.move()
  await set.writer.stop()
  await moving
  expect(set.database.thread).toBeUndefined()
})

test('where it may not move it stays, whatever the load', async () => {
  await using set = await setUp('never')
  const moves: unknown[] = []
  set.database.notifications.subscribe(WRITER_MOVED, () => moves.push('moved'))
  set.load()
  // Longer than a thread takes to start, had one been asked for.
  const other = await setUp('auto')
  await other.writer.move()
  expect(other.database.thread).toBeDefined()
  await other[Symbol.asyncDispose]()
  expect(moves).toEqual([])
})

test('a thread that fails ends the process: its next start finds everything that was acknowledged', async () => {
  await using folder = await temporaryFolder()
  const program = `
    import { parseConfig } from '#src/config/config.ts'
    import { startWriterThread } from '#src/writer-port.ts'
    const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: '${folder.file('data.db')}' })
    const port = await startWriterThread(config)
    setInterval(() => {}, 1_000)
    port.post('not what a thread is sent')`
  const child = Bun.spawn([process.execPath, '-e', program], {
    cwd: `${import.meta.dir}/..`,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  expect(await child.exited).not.toBe(0)
  expect(await new Response(child.stderr).text()).toContain("The writer's thread failed")
})
