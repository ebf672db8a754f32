import { Database as Sqlite } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { createFaultyWorld, createPerson, isGreen, isRed, missing, readyz, until } from './chat.ts'

const MIB = 1024 * 1024
const ROUND_MIB = 32

/** Writes into the log without end, and into few pages: the same rows again and again. */
function grow(path: string, toMib: number) {
  const sqlite = new Sqlite(path, { readwrite: true, create: false })
  try {
    sqlite.run('PRAGMA busy_timeout = 5000')
    sqlite.run('PRAGMA synchronous = OFF')
    sqlite.run('CREATE TABLE IF NOT EXISTS weight (id INTEGER PRIMARY KEY, body BLOB)')
    const write = sqlite.query('REPLACE INTO weight VALUES (1, zeroblob(?))')
    while (statSync(`${path}-wal`).size < toMib * MIB) write.run(ROUND_MIB * MIB)
  } finally {
    sqlite.close()
  }
}

test('a reader that never ends: the log grows, red above 1 GiB and said, writing goes on; when it ends the log is cut', async () => {
  await using world = await createFaultyWorld()
  const server = await world.start()
  const person = await createPerson(world)
  expect(await person.prompt()).toBe(202)

  const reader = new Sqlite(world.path, { readonly: true })
  reader.run('BEGIN')
  reader.query('SELECT count(*) FROM messages').get()
  grow(world.path, 1_000)
  expect((await readyz(world)).status).toBe(200)
  grow(world.path, 1_100)
  const red = await until(() => readyz(world), isRed)
  expect(red.detail).toMatch(/log has 11\d\d MiB: something reads the database without end/)
  await server.line((line) => line.includes('not ready: The write-ahead log has'))
  // Nothing is refused: it is the disk that will be full one day.
  expect(await person.prompt()).toBe(202)

  reader.run('COMMIT')
  reader.close()
  expect(await person.prompt()).toBe(202)
  await until(() => readyz(world), isGreen)
  await server.line((line) => line.includes('ready again'))
  expect(statSync(`${world.path}-wal`).size).toBeLessThan(100 * MIB)
  await server.stop('SIGKILL')
  expect(missing(world.path, person.acknowledged)).toEqual([])
}, 60_000)
