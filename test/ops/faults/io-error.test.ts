import { expect, test } from 'bun:test'
import { createFaultyWorld, createPerson, isGreen, isRed, missing, readyz, until } from './chat.ts'

/** A write past the limit is an error of the file system instead of a signal. */
const FAILING = ['sh', '-c', 'trap "" XFSZ; exec "$@"', 'sh']

function limitWrites(pid: number, bytes: string): number {
  return Bun.spawnSync(['prlimit', `--pid=${pid}`, `--fsize=${bytes}`]).exitCode
}

test.each(['never', 'always'])(
  'a disk that takes no write: red and said once, idle as well as asked, until it takes one again (WRITER_THREAD=%s)',
  async (thread) => {
    await using world = await createFaultyWorld({ WRITER_THREAD: thread }, FAILING)
    const server = await world.start()
    const person = await createPerson(world)
    expect(await person.prompt()).toBe(202)
    await until(person.latest, ({ body }) => body.reply?.status === 'complete')
    const limit = (bytes: string) => limitWrites(server.pid, bytes)
    expect(limit('1000:unlimited')).toBe(0)
    // Nobody writes, and yet it is seen.
    await until(() => readyz(world), isRed)
    for (let at = 0; at < 5; at++) {
      expect(await person.prompt()).toBe(503)
      // The worker looks for jobs meanwhile, which writes nothing.
      await Bun.sleep(600)
      expect((await readyz(world)).status).toBe(503)
    }
    expect(server.lines.filter((line) => line.includes('takes commits again'))).toEqual([])
    expect(limit('unlimited:unlimited')).toBe(0)
    await until(() => readyz(world), isGreen)
    expect(await person.prompt()).toBe(202)
    await server.line((line) => line.includes('takes commits again'))
  },
  60_000,
)

test.each(['never', 'always'])(
  'a stop while the disk takes no write is one in good order, and the log keeps what was acknowledged (WRITER_THREAD=%s)',
  async (thread) => {
    await using world = await createFaultyWorld({ WRITER_THREAD: thread }, FAILING)
    const server = await world.start()
    const person = await createPerson(world)
    expect(await person.prompt()).toBe(202)
    await until(person.latest, ({ body }) => body.reply?.status === 'complete')
    expect(limitWrites(server.pid, '1000:unlimited')).toBe(0)
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(server.lines.at(-1)).toContain('stopped')
    expect(missing(world.path, person.acknowledged)).toEqual([])
  },
  60_000,
)
