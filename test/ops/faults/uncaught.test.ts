import { expect, test } from 'bun:test'
import { fromSource } from '#test/support/server.ts'
import { createFaultyWorld, createPerson, missing, readyz } from './chat.ts'

/** A server that can be broken from outside. */
async function setUp() {
  const breakable = [`${import.meta.dir}/../../support/break-writer.ts`]
  const [bun = '', main = ''] = fromSource
  const world = await createFaultyWorld(
    { WRITER_THREAD: 'always' },
    [],
    [bun, '--preload', ...breakable, main],
  )
  const server = await world.start()
  const person = await createPerson(world)
  expect(await person.prompt()).toBe(202)
  return { world, server, person }
}

test.each([
  ["the writer's thread", 'SIGUSR2', "The writer's thread failed"],
  ['anything that nobody catches', 'SIGWINCH', 'thrown into nothing'],
] as const)(
  '%s ends the process, which says why; the next start finds all that was acknowledged',
  async (_what, signal, told) => {
    const { world, server, person } = await setUp()
    await using _world = world
    server.signal(signal)
    expect(await server.exited).toBe(1)
    const line = server.lines.find((one) => one.includes('ended by an error that nobody caught'))
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      level: 'error',
      err: { message: expect.stringContaining(told) },
    })
    expect(missing(world.path, person.acknowledged)).toEqual([])
    await world.start()
    expect(await person.prompt()).toBe(202)
  },
  60_000,
)

test('a rejection that nobody awaited is told, and serving goes on', async () => {
  const { world, server, person } = await setUp()
  await using _world = world
  server.signal('SIGHUP')
  expect(await server.line((line) => line.includes('a rejection that nobody awaited'))).toContain(
    'rejected into nothing',
  )
  expect(await person.prompt()).toBe(202)
  expect((await readyz(world)).status).toBe(200)
}, 60_000)
