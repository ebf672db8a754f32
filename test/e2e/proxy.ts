import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted } from '#src/modules/messages/model.ts'
import { until } from '#test/ops/faults/chat.ts'
import { freePort } from '#test/support/free-port.ts'
import { createGate } from '#test/support/gate.ts'
import { readEvents } from '#test/support/sse.ts'
import type { World, WorldOptions } from './world.ts'

const TEST_MS = 60_000
const CADDYFILE = join(import.meta.dir, '../../deploy/Caddyfile')
/** A client that is neither the proxy nor the server, as they see it. */
const CLIENT = '127.0.0.2'
const canProxy = Bun.which('caddy') !== null && Bun.which('curl') !== null
if (!canProxy) console.log('SKIPPED proxy: it runs caddy and curl (apt-get install caddy curl)')

/** deploy/Caddyfile as it is, in front of the program, with a certificate authority of Caddy's own. */
export function testProxy(createWorld: (options?: WorldOptions) => Promise<World>): void {
  test.skipIf(!canProxy)(
    'behind Caddy it speaks HTTP/2 over TLS, streams come piece by piece, and the client is told apart',
    async () => {
      const gate = createGate()
      await using here = await createWorld({
        settings: { TRUSTED_PROXIES: '127.0.0.1', METRICS_TOKEN: 'metrics-token-behind-caddy' },
        behave: () => ({ kind: 'answer', pieces: gate.pieces() }),
      })
      await here.start()
      await using caddy = await startCaddy(here)

      expect(await caddy.head('/readyz')).toBe('HTTP/2 200')
      expect(await caddy.headers('/readyz')).toContain(
        'strict-transport-security: max-age=31536000',
      )
      expect(await caddy.head('/metrics', '--header', 'Authorization: Bearer x')).toBe('HTTP/2 404')
      const plain = await fetch(`http://localhost:${caddy.httpPort}/readyz`, { redirect: 'manual' })
      expect(plain.status).toBe(308)
      expect(plain.headers.get('location')).toStartWith('https://localhost')

      const token = await here.signIn()
      const room = await here.call<Room>('POST', '/v1/chatroom', { token, body: {} })
      const path = `/v1/chatroom/${room.body.id}`
      const bearer = ['--header', `Authorization: Bearer ${token}`]
      await using stream = caddy.stream(`${path}/events`, ...bearer)
      const sent = await here.call<Accepted>('POST', `${path}/message`, {
        token,
        body: { userPrompt: 'Slowly' },
      })
      expect(sent.status).toBe(202)
      // Each is read before the next is sent: a proxy that held them back would hang here.
      for (const piece of ['First ', 'second ', 'third.']) {
        gate.send(piece)
        const seen = await stream.events.until(({ event }) => event === 'delta')
        expect(seen.at(-1)?.data.text).toBe(piece)
      }
      gate.end()
      await stream.events.until(({ event }) => event === 'done')

      // The limits and the list of sessions go by who connected, whatever he claims.
      const forged = ['--header', 'X-Forwarded-For: 203.0.113.9', '--header', 'Forwarded: for=6']
      const phone = { phone: '+12025550199' }
      await caddy.post('/v1/auth/signup', phone, ...forged)
      const { otp } = JSON.parse(await caddy.post('/v1/auth/send-otp', phone, ...forged))
      const login = await caddy.post('/v1/auth/verify-otp', { ...phone, otp }, ...forged)
      const sessions = await here.call<{ items: { ip: string }[] }>('GET', '/v1/auth/sessions', {
        token: JSON.parse(login).token,
      })
      expect(sessions.body.items.map(({ ip }) => ip)).toEqual([CLIENT])
    },
    TEST_MS,
  )
}

async function startCaddy(here: World) {
  const folder = here.file('caddy')
  const [httpsPort, httpPort] = [freePort(), freePort()]
  // Only what a machine without a name and without root needs; the site is the file of deploy/.
  const config = here.file('Caddyfile')
  await Bun.write(
    config,
    `{
	admin off
	http_port ${httpPort}
	https_port ${httpsPort}
	skip_install_trust
	storage file_system ${folder}
}
import ${CADDYFILE}
`,
  )
  const child = Bun.spawn(['caddy', 'run', '--adapter', 'caddyfile', '--config', config], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      DOMAIN: 'localhost',
      UPSTREAM: new URL(here.server.url).host,
    },
    stdio: ['ignore', 'ignore', Bun.file(here.file('caddy.log'))],
  })
  const root = join(folder, 'pki/authorities/local/root.crt')
  const curl = (path: string, ...args: string[]) => [
    ...['curl', '--silent', '--no-buffer', '--http2', '--compressed', '--cacert', root],
    ...['--interface', CLIENT, '--resolve', `localhost:${httpsPort}:127.0.0.1`],
    ...args,
    `https://localhost:${httpsPort}${path}`,
  ]
  const ask = async (path: string, ...args: string[]) =>
    new Response(Bun.spawn(curl(path, ...args), { stdout: 'pipe' }).stdout).text()
  const headers = (path: string, ...args: string[]) =>
    ask(path, '--output', '/dev/null', '--dump-header', '-', ...args)
  const head = async (path: string, ...args: string[]) =>
    ((await headers(path, ...args)).split('\r\n')[0] ?? '').trim()
  await until(
    async () => (existsSync(root) ? await head('/livez') : ''),
    (answer) => answer !== '',
  )
  return {
    httpPort,
    head,
    headers,
    post: (path: string, body: object, ...args: string[]) =>
      ask(path, '--json', JSON.stringify(body), ...args),
    stream(path: string, ...args: string[]) {
      const reader = Bun.spawn(curl(path, ...args), { stdout: 'pipe' })
      return {
        events: readEvents(new Response(reader.stdout)),
        async [Symbol.asyncDispose]() {
          reader.kill()
          await reader.exited
        },
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}
