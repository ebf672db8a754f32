import { expect, test } from 'bun:test'
import { createFaultyWorld, createPerson, isGreen, isRed, missing, readyz, until } from './chat.ts'

const LIMIT = 96

test('all files in use: new connections wait, open ones are served, nothing is lost, and it passes', async () => {
  const limited = ['sh', '-c', `ulimit -n ${LIMIT}; exec "$@"`, 'sh']
  await using world = await createFaultyWorld({}, limited)
  const server = await world.start()
  const person = await createPerson(world)
  const { hostname, port } = new URL(server.url)
  // Half a request each: the server is not told of a connection before its first byte.
  const socket = {
    open: (opened: { write(text: string): number }) => void opened.write('GET /slow HTTP/1.1\r\n'),
    data() {},
    error() {},
  }
  const crowd = await Promise.all(
    Array.from({ length: LIMIT + 50 }, () => Bun.connect({ hostname, port: Number(port), socket })),
  )
  // Over the connection this client has already.
  expect((await until(() => readyz(world), isRed)).detail).toContain('connections')
  // Its job is the first that calls the provider, and cannot.
  expect(await person.prompt()).toBe(202)
  await server.line((line) => line.includes('job will be tried again'))
  const stranger = fetch(`${server.url}/readyz`, {
    signal: AbortSignal.timeout(500),
    keepalive: false,
  })
  expect(await stranger.catch(() => 'no answer')).toBe('no answer')
  await server.line((line) => line.includes('not ready: All files and connections'))
  for (const one of crowd) one.end()
  await until(() => readyz(world), isGreen)
  await server.line((line) => line.includes('ready again'))
  expect(await person.prompt()).toBe(202)
  await until(person.latest, ({ body }) => body.reply?.status === 'complete')
  await server.stop('SIGKILL')
  expect(missing(world.path, person.acknowledged)).toEqual([])
}, 60_000)
