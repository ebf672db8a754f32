import { expect, test } from 'bun:test'
import { copyFileSync, existsSync, renameSync } from 'node:fs'
import { parseConfig } from '#src/config/config.ts'
import { syncCommand } from '#src/database/command.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase, WRITER_MOVED } from '#src/database/sqlite/open.ts'
import { silentLog } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
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
    path,
    /** Commits that take half of each of three seconds. */
    load(fromMs = 0) {
      for (let at = 0; at < 60; at++) writer.committed(25, fromMs + at * 50)
    },
    async [Symbol.asyncDispose]() {
      await writer.stop()
      database.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Takes as long as a thread takes to start, had one been asked for before. */
async function anotherThread() {
  await using other = await setUp('auto')
  await other.writer.move()
  expect(other.database.thread).toBeDefined()
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
  await anotherThread()
  expect(moves).toEqual([])
})

test('where the file is gone no thread opens another; it is asked for again after a minute', async () => {
  await using set = await setUp('auto')
  const { database, writer, path } = set
  renameSync(path, `${path}.away`)
  set.load()
  // The move that the load began.
  await writer.move()
  expect(database.thread).toBeUndefined()
  expect(existsSync(path)).toBe(false)
  renameSync(`${path}.away`, path)
  set.load(30 * SECOND)
  await anotherThread()
  expect(database.thread).toBeUndefined()
  const moved = new Promise((resolve) => database.notifications.subscribe(WRITER_MOVED, resolve))
  set.load(63 * SECOND)
  await moved
  expect(database.thread).toBeDefined()
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
])(
  'where the file is %s once the thread has started, the writer stays and says so',
  async (_what, lose) => {
    await using set = await setUp('auto')
    const { database, writer, path } = set
    const moving = writer.move()
    // The thread is starting; the files were looked at before.
    lose(path)
    await moving
    expect(database.thread).toBeUndefined()
    // Its commits go to the file that is open, so they are not acknowledged.
    const write = database.execute(insert, 'lost')
    expect(write).rejects.toThrow(/deleted|replaced/)
    await write.catch(() => {})
  },
)

const insert = syncCommand('test.insert-limit', ({ sqlite }) => (_tx, key: string) => {
  sqlite.run('INSERT INTO rate_limits VALUES (?, 1, 1)', [key])
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
