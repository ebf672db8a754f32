import { expect, test } from 'bun:test'
import { symlinkSync } from 'node:fs'
import { fromSource } from '#test/support/server.ts'
import { createFaultyWorld, createPerson, isGreen, missing, readyz, until } from './chat.ts'

test('a second server on the same file says so and ends; the first goes on, and its death frees the file', async () => {
  await using world = await createFaultyWorld()
  const server = await world.start()
  const person = await createPerson(world)
  symlinkSync(world.path, world.file('data/link.db'))
  for (const path of [world.path, world.file('data/link.db')]) {
    const second = Bun.spawnSync(fromSource, {
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_ENV: 'test',
        PORT: '0',
        DATABASE_URL: `file:${path}`,
      },
      stderr: 'pipe',
      timeout: 20_000,
    })
    expect([path, second.exitCode]).toEqual([path, 1])
    expect(second.stderr.toString()).toContain('Another Pollux server is running')
  }
  expect(await person.prompt()).toBe(202)
  expect((await readyz(world)).status).toBe(200)
  await server.stop('SIGKILL')
  // No stale lock is left by a kill.
  await world.start()
  await until(() => readyz(world), isGreen)
  expect(missing(world.path, person.acknowledged)).toEqual([])
}, 60_000)
