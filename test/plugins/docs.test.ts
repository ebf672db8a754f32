import { expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { createInFlight } from '#src/lib/in-flight.ts'
import { SECOND } from '#src/lib/time.ts'
import { createDocs } from '#src/plugins/docs.ts'
import { createOrigins } from '#src/plugins/origin.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'
import { createTestApp } from '#test/support/test-app.ts'

const PAGE = '/swagger'

test('GET /swagger is a page that loads everything from this server', async () => {
  const { send } = createTestApp()
  const answer = await send('GET', PAGE)
  const html = await answer.text()
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('content-security-policy')).toContain("script-src 'self';")
  expect(html).not.toMatch(/https?:|<script>|<style/)
  const paths = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '')
  expect(paths).toHaveLength(5)
  const types = await Promise.all(
    paths.map(async (path) => (await send('GET', path)).headers.get('content-type')),
  )
  expect(types.sort()).toEqual([
    'image/png',
    'text/css; charset=utf-8',
    'text/css; charset=utf-8',
    'text/javascript; charset=utf-8',
    'text/javascript; charset=utf-8',
  ])
})

test('the page and the document are revalidated by ETag', async () => {
  const { send } = createTestApp()
  for (const path of [PAGE, '/swagger/json', '/swagger/swagger-ui.js']) {
    const first = await send('GET', path)
    const etag = first.headers.get('etag') ?? ''
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const again = await send('GET', path, { headers: { 'if-none-match': etag } })
    expect([path, again.status, await again.text()]).toEqual([path, 304, ''])
    const changed = await send('GET', path, { headers: { 'if-none-match': 'W/"other"' } })
    expect(changed.status).toBe(200)
  }
})

test('a client that can is sent it compressed', async () => {
  const { send } = createTestApp()
  const plain = await (await send('GET', '/swagger/swagger-ui.js')).bytes()
  const answer = await send('GET', '/swagger/swagger-ui.js', {
    headers: { 'accept-encoding': 'br, gzip' },
  })
  expect(answer.headers.get('content-encoding')).toBe('gzip')
  const packed = new Uint8Array(await answer.arrayBuffer())
  expect(packed.length).toBeLessThan(plain.length / 3)
  expect(Buffer.compare(Bun.gunzipSync(packed), plain)).toBe(0)
})

test('an asset that is not there is 404, also for names every object has', async () => {
  const { send } = createTestApp()
  for (const name of ['nope.js', 'constructor', '__proto__', '..%2f..%2fpackage.json']) {
    expect((await send('GET', `/swagger/${name}`)).status).toBe(404)
  }
})

test('the document is made a second after the server listens, not by its first reader', async () => {
  const clock = createFakeClock()
  const made = Promise.withResolvers<void>()
  let hasBegun = false
  const described = {
    get routes() {
      hasBegun = true
      made.resolve()
      return []
    },
  }
  const app = new Elysia()
    .use(
      createDocs({
        described,
        origins: createOrigins({ trustedProxies: [] }),
        clock,
        readers: createInFlight({ name: 'documents', most: 1 }),
      }),
    )
    .listen(0)
  try {
    await clock.advance(SECOND - 1)
    expect(hasBegun).toBe(false)
    await clock.advance(1)
    await made.promise
  } finally {
    await app.stop()
  }
})

test('a server that stops in its first second makes no document', async () => {
  const clock = createFakeClock()
  const app = new Elysia()
    .use(
      createDocs({
        described: { routes: [] },
        origins: createOrigins({ trustedProxies: [] }),
        clock,
        readers: createInFlight({ name: 'documents', most: 1 }),
      }),
    )
    .listen(0)
  expect(clock.timers()).toHaveLength(1)
  await app.stop()
  expect(clock.timers()).toEqual([])
})
