import { Database as Sqlite } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { copyFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeBackup } from '#src/database/sqlite/backup.ts'
import { restoreBackup } from '#src/database/sqlite/restore.ts'
import { createFaultyWorld, createPerson, isGreen, isRed, missing, readyz, until } from './chat.ts'

async function setUp(settings: Record<string, string> = {}) {
  const world = await createFaultyWorld(settings)
  const server = await world.start()
  const person = await createPerson(world)
  for (let at = 0; at < 5; at++) expect(await person.prompt()).toBe(202)
  return { world, server, person }
}

function rescued(path: string): string {
  const name = readdirSync(dirname(path)).find((file) => file.includes('.rescued-'))
  return join(dirname(path), name ?? 'nothing was rescued')
}

test('a deleted database: nothing more is acknowledged, and what was is rescued, while many read', async () => {
  const { world, server, person } = await setUp({ WRITER_THREAD: 'always' })
  await using _world = world
  await using _readers = readAlways(person)
  for (const end of ['', '-wal', '-shm']) rmSync(`${world.path}${end}`)
  expect(await person.prompt()).toBe(503)
  expect((await until(() => readyz(world), isRed)).detail).toContain('deleted')
  await server.line((line) => line.includes('was deleted while the server runs'))
  await server.line((line) => line.includes('pollux restore'))
  await server.stop('SIGKILL')

  restoreBackup(rescued(world.path), world.path, Date.now())
  expect(missing(world.path, person.acknowledged)).toEqual([])
  await world.start()
  await until(() => readyz(world), isGreen)
  expect(await person.prompt()).toBe(202)
}, 60_000)

test('a replaced database: refused, and what was acknowledged is rescued', async () => {
  const { world, server, person } = await setUp()
  await using _world = world
  copyFileSync(world.path, world.file('other.db'))
  renameSync(world.file('other.db'), world.path)
  expect(await person.prompt()).toBe(503)
  expect((await until(() => readyz(world), isRed)).detail).toContain('replaced')
  await server.line((line) => line.includes('pollux restore'))
  await server.stop('SIGKILL')
  expect(missing(rescued(world.path), person.acknowledged)).toEqual([])
}, 60_000)

/** People who read without end, so that something always holds a snapshot. */
function readAlways({ read }: { read: () => Promise<unknown> }) {
  let over = false
  const readers = Array.from({ length: 16 }, async () => {
    while (!over) await read().catch(() => {})
  })
  return {
    async [Symbol.asyncDispose]() {
      over = true
      await Promise.all(readers)
    },
  }
}

test.each(['never', 'always'])(
  'a deleted log: its content is saved and serving goes on, also while many read (WRITER_THREAD=%s)',
  async (thread) => {
    const { world, server, person } = await setUp({ WRITER_THREAD: thread })
    await using _world = world
    await using _readers = readAlways(person)
    rmSync(`${world.path}-wal`)
    // The first commit after is refused: this prompt's, or that of a job.
    await person.prompt()
    await server.line((line) => line.includes('was deleted while the server runs'))
    await until(() => readyz(world), isGreen)
    expect(await person.prompt()).toBe(202)
    await server.line((line) => line.includes('was saved; writing goes on'))
    await server.stop('SIGKILL')
    expect(missing(world.path, person.acknowledged)).toEqual([])
  },
  60_000,
)

test('a deleted log that another program still reads is saved once it has let go', async () => {
  const { world, server, person } = await setUp()
  await using _world = world
  const other = new Sqlite(world.path, { readonly: true })
  other.run('BEGIN')
  other.query('SELECT count(*) FROM users').get()
  rmSync(`${world.path}-wal`)
  await person.prompt()
  await server.line((line) => line.includes('could not be saved yet'))
  expect(await person.prompt()).toBe(503)
  other.close()
  await until(() => readyz(world), isGreen)
  expect(await person.prompt()).toBe(202)
  await server.stop('SIGKILL')
  expect(missing(world.path, person.acknowledged)).toEqual([])
}, 60_000)

test('a database cut short: nothing more is acknowledged; a backup brings back what it held', async () => {
  const { world, server, person } = await setUp()
  await using _world = world
  writeBackup(world.path, world.file('backup.db'))
  const held = [...person.acknowledged]
  truncateSync(world.path, statSync(world.path).size - 8192)
  expect(await person.prompt()).toBe(503)
  expect((await until(() => readyz(world), isRed)).detail).toContain('was cut')
  await server.line((line) => line.includes('restore a backup'))
  await server.stop('SIGKILL')
  restoreBackup(world.file('backup.db'), world.path, Date.now())
  await world.start()
  await until(() => readyz(world), isGreen)
  expect(missing(world.path, held)).toEqual([])
}, 60_000)
