import { expect, test } from 'bun:test'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { canMount, mountTmpfs } from '#test/support/mount.ts'
import { createFaultyWorld, createPerson, isGreen, isRed, missing, readyz, until } from './chat.ts'

const LONG = 'a prompt of many words '.repeat(1_000)

if (!canMount) console.log('SKIPPED disk-full: it mounts a small tmpfs, which needs root')

function fill(path: string) {
  const file = openSync(path, 'w')
  for (const size of [1 << 20, 4096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size))
    } catch {
      // Full, for pieces of this size.
    }
  }
  closeSync(file)
}

test.skipIf(!canMount)(
  'a full disk: 503, said once, red, and writing goes on by itself',
  async () => {
    await using world = await createFaultyWorld()
    using _disk = mountTmpfs(world.file('data'), 64)
    try {
      const server = await world.start()
      const person = await createPerson(world)
      expect(await person.prompt()).toBe(202)

      fill(world.file('data/filler'))
      const statuses = new Set<number>()
      for (let at = 0; at < 400 && !statuses.has(503); at++) statuses.add(await person.prompt(LONG))
      expect([...statuses].sort()).toContain(503)
      expect((await until(() => readyz(world), isRed)).detail).toContain('disk')
      expect((await person.read()).status).toBe(200)
      await server.line((line) => line.includes("pollux.db' is full"))

      rmSync(world.file('data/filler'))
      await until(() => readyz(world), isGreen)
      expect(await person.prompt()).toBe(202)
      await server.line((line) => line.includes('takes commits again'))
      const said = server.lines.filter((line) => line.includes("pollux.db' is full"))
      expect(said.length).toBeLessThan(5)
      await server.stop('SIGKILL')
      expect(missing(world.path, person.acknowledged)).toEqual([])
    } finally {
      await world.server.stop('SIGKILL')
    }
  },
  60_000,
)
