import { describe, expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { temporaryFolder } from '#test/support/folder.ts'
import { fromSource, startServer } from '#test/support/server.ts'

describe('The server as a process', () => {
  test('starts, answers health checks, refuses a second server, and stops on SIGTERM', async () => {
    await using folder = await temporaryFolder()
    const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${folder.file('pollux.db')}` }
    await using server = await startServer({ command: fromSource, environment })
    expect((await fetch(`${server.url}/livez`)).status).toBe(200)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    const health = await run([...fromSource, 'healthcheck'], {
      ...environment,
      PORT: new URL(server.url).port,
    })
    expect(health).toMatchObject({ code: 0, out: 'ready\n' })

    const second = await run(fromSource, environment)
    expect(second.code).toBe(1)
    expect(second.err).toContain('Another Pollux server is running')

    const port = new URL(server.url).port
    const elsewhere = {
      ...environment,
      DATABASE_URL: `file:${folder.file('other.db')}`,
      PORT: port,
    }
    const third = await run(fromSource, elsewhere)
    expect(third).toMatchObject({ code: 1 })
    expect(third.err).toContain(`Port ${port} is in use.`)

    expect(await server.stop('SIGTERM')).toBe(0)
    expect(server.lines.at(-1)).toContain('stopped')
    const gone = await run([...fromSource, 'healthcheck'], {
      ...environment,
      PORT: new URL(server.url).port,
    })
    expect(gone.code).toBe(1)
  }, 20_000)

  test('keeps what it writes from other users of the machine', async () => {
    await using folder = await temporaryFolder()
    const path = folder.file('data/pollux.db')
    const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${path}` }
    await using _server = await startServer({ command: fromSource, environment })
    for (const file of [folder.file('data'), path, `${path}-wal`, `${path}-shm`]) {
      expect([file, statSync(file).mode & 0o077]).toEqual([file, 0])
    }
  }, 20_000)

  test('stops on SIGINT too, and waits for nobody who asks nothing', async () => {
    await using folder = await temporaryFolder()
    const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${folder.file('pollux.db')}` }
    await using server = await startServer({ command: fromSource, environment })
    expect((await fetch(`${server.url}/livez`)).status).toBe(200)
    // In its first second a server of Bun's stops at once, whatever connections are open.
    await Bun.sleep(1_500)
    expect(await server.stop('SIGINT')).toBe(0)
    const took = loggedAt(server.lines, 'stopped') - loggedAt(server.lines, 'draining')
    expect(took).toBeLessThan(1_000)
  }, 20_000)

  test('names every fault of its configuration at once and shows no secret', async () => {
    const { code, err } = await run(fromSource, { JWT_SECRET: 'too-short-secret', PORT: 'x' })
    expect(code).toBe(3)
    for (const name of ['JWT_SECRET', 'OTP_DELIVERY', 'GEMINI_API_KEY', 'PORT']) {
      expect(err).toContain(name)
    }
    expect(err).not.toContain('too-short-secret')
  }, 20_000)
})

/** When the line with this message was written. */
function loggedAt(lines: readonly string[], message: string): number {
  const line = lines.find((text) => text.includes(`"msg":"${message}"`))
  return Date.parse(JSON.parse(line ?? '{}').time)
}

async function run(command: string[], environment: Record<string, string>) {
  const child = Bun.spawn(command, {
    env: { PATH: process.env['PATH'] ?? '', HOST: '127.0.0.1', PORT: '0', ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { out, err, code }
}
