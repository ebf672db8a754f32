import { expect, test } from 'bun:test'
import { readdirSync, readlinkSync } from 'node:fs'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { enqueue } from '#src/queue/enqueue.ts'
import { startWriterThread } from '#src/writer-port.ts'
import { temporaryFolder } from './support/folder.ts'

/** A little more than a page each; together far from the 8192 pages at which a commit moves the log itself. */
const JOBS = 1_500
const body = { text: 'x'.repeat(4_096) }

async function setUp() {
  const folder = await temporaryFolder()
  const path = folder.file('data.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: path })
  const { port, ready } = startWriterThread(config)
  database.moveWriter(port)
  await ready
  const state = database.sqlite.query<{ log: number; checkpointed: number }, []>(
    'PRAGMA wal_checkpoint(NOOP)',
  )
  return {
    database,
    log: () => state.get() ?? { log: 0, checkpointed: 0 },
    async commit(count: number) {
      const jobs = Array.from({ length: count }, (_, at) =>
        database.run(enqueue, {
          job: { kind: 'test', concurrencyKey: `${at}`, owner: 'o', body },
          now: 0,
        }),
      )
      await Promise.all(jobs)
    },
    /** How often this process has the log open. */
    opened: () =>
      readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`) === `${path}-wal`)
        .length,
    async [Symbol.asyncDispose]() {
      await database.bringWriterBack()
      database.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** The folder's own descriptor is gone when it is asked for. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

test('the log is moved into the file between commits, long before one of them would do it', async () => {
  await using set = await setUp()
  await set.commit(JOBS)
  expect(set.log().log).toBeGreaterThan(1_000)
  // Whenever it has looked it looks again at the next commit.
  while (set.log().checkpointed < JOBS) await set.commit(1)
  expect(set.log().log).toBeLessThan(8_192)
})

test('a few commits are left to the checkpoint of each minute', async () => {
  await using set = await setUp()
  const before = set.log()
  for (let at = 0; at < 50; at++) await set.commit(1)
  expect(set.log().log).toBeGreaterThan(before.log)
  expect(set.log().checkpointed).toBe(before.checkpointed)
})

test('with the writer it lets go of the file', async () => {
  await using set = await setUp()
  await set.commit(JOBS)
  expect(set.opened()).toBe(3)
  await set.database.bringWriterBack()
  expect(set.opened()).toBe(1)
})
