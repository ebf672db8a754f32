import { expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from '#test/support/folder.ts'
import { does } from '#test/support/mount.ts'
import { fromSource } from '#test/support/server.ts'
import { createFaultyWorld, createPerson, isGreen, isRed, missing, readyz, until } from './chat.ts'

/** A mode stops nobody who has the file open, and root never: the immutable flag stops all. */
const canFreeze = await (async () => {
  await using folder = await temporaryFolder()
  writeFileSync(folder.file('x'), '')
  return does('chattr', '+i', folder.file('x')) && does('chattr', '-i', folder.file('x'))
})()
if (!canFreeze) console.log('SKIPPED read-only: it needs root and a file system with chattr +i')

test.skipIf(!canFreeze)(
  'files made read-only: 503, red, and writing goes on when they are writable',
  async () => {
    await using world = await createFaultyWorld()
    const server = await world.start()
    const person = await createPerson(world)
    expect(await person.prompt()).toBe(202)
    const files = [world.path, `${world.path}-wal`]
    try {
      does('chattr', '+i', ...files)
      expect(
        await until(
          () => person.prompt(),
          (status) => status !== 202,
        ),
      ).toBe(503)
      expect((await until(() => readyz(world), isRed)).detail).toContain('pollux.db')
      expect((await person.read()).status).toBe(200)
      await server.line((line) => /cannot be (read or )?writ/.test(line))
    } finally {
      does('chattr', '-i', ...files)
    }
    await until(() => readyz(world), isGreen)
    expect(await person.prompt()).toBe(202)
    await server.stop('SIGKILL')
    expect(missing(world.path, person.acknowledged)).toEqual([])
  },
  60_000,
)

test.skipIf(!canFreeze)(
  'a start in a read-only folder says what to look at',
  async () => {
    await using folder = await temporaryFolder()
    mkdirSync(folder.file('data'))
    does('chattr', '+i', folder.file('data'))
    try {
      const start = Bun.spawnSync(fromSource, {
        env: {
          PATH: process.env['PATH'] ?? '',
          NODE_ENV: 'test',
          DATABASE_URL: `file:${folder.file('data/pollux.db')}`,
        },
        stderr: 'pipe',
      })
      expect(start.exitCode).toBe(1)
      expect(start.stderr.toString()).toContain('pollux.db')
      expect(start.stderr.toString()).toMatch(/cannot be opened|cannot be written/)
      expect(start.stderr.toString()).not.toContain('    at ')
    } finally {
      does('chattr', '-i', folder.file('data'))
    }
  },
  30_000,
)
