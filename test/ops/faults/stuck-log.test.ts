import { expect, test } from 'bun:test'
import { temporaryFolder } from '#test/support/folder.ts'
import { freePort } from '#test/support/free-port.ts'
import { fromSource } from '#test/support/server.ts'
import { until } from './chat.ts'

/** Writes its standard output into a pipe that stays open and that nobody reads. */
const INTO_PIPE = 'mkfifo "$0"; exec 3<> "$0"; exec "$@" > "$0"'
/** Far more lines than a pipe holds. */
const REQUESTS = 1_000

test('a log that nobody reads stops no answer, and is whole when somebody does', async () => {
  await using folder = await temporaryFolder()
  const pipe = folder.file('log')
  const port = freePort()
  await using server = Bun.spawn(['bash', '-c', INTO_PIPE, pipe, ...fromSource], {
    cwd: folder.path,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: `file:${folder.file('pollux.db')}`,
      JWT_SECRET: 'c3R1Y2stbG9nLXNlY3JldC1vbmx5LWZvci10aGlzLXRlc3Q',
      GEMINI_API_KEY: 'none',
      OTP_DELIVERY: 'log',
    },
    killSignal: 'SIGKILL',
  })
  const ask = async (path: string) => {
    const signal = AbortSignal.timeout(10_000)
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal }).catch(() => undefined)
    await answer?.arrayBuffer()
    return answer?.status
  }
  await until(
    () => ask('/livez'),
    (status) => status === 200,
  )
  for (let asked = 0; asked < REQUESTS; asked += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/v1/user/me')))
    expect(new Set(answers)).toEqual(new Set([401]))
  }

  await using reader = Bun.spawn(['cat', pipe], { stdout: 'pipe' })
  let read = ''
  const decoder = new TextDecoder()
  for await (const bytes of reader.stdout) {
    read += decoder.decode(bytes, { stream: true })
    if ([...read.matchAll(/"msg":"request"}\n/g)].length === REQUESTS) break
  }
  for (const line of read.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
  server.kill('SIGTERM')
  expect(await server.exited).toBe(0)
}, 60_000)
