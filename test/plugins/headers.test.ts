import { expect, test } from 'bun:test'
import { json as bodyOf, createTestApp } from '#test/support/test-app.ts'

const origin = 'https://app.example.com'
const id = 'a-request-of-the-test'

/** Whole sets, so that a header that is lost, changed or new is seen. One request of each class of answer. */
async function setUp() {
  const { app, signIn } = createTestApp({ corsOrigins: [origin], streamsPerUser: 1 })
  const { token } = await signIn()
  const ask = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const answer = await app.handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: { 'x-request-id': id, origin, ...headers },
      }),
    )
    return { answer, status: answer.status, headers: Object.fromEntries(answer.headers) }
  }
  const bearer = { authorization: `Bearer ${token}` }
  const made = await ask('POST', '/v1/chatroom', bearer)
  const room = await bodyOf<{ id: string }>(made.answer)
  return { ask, bearer, made, room: `/v1/chatroom/${room.id}` }
}

const cors = {
  vary: 'Origin',
  'access-control-allow-origin': origin,
  'access-control-expose-headers':
    'Allow, Content-Disposition, ETag, Location, X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, Idempotent-Replayed, WWW-Authenticate',
}
const common = {
  ...cors,
  'x-request-id': id,
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}
const json = { ...common, 'content-type': 'application/json;charset=utf-8' }
const problem = { ...common, 'content-type': 'application/problem+json' }
const quota = {
  'ratelimit-policy': '"daily";q=5;w=86400',
  ratelimit: expect.stringMatching(/^"daily";r=5;t=\d+$/),
}

test('JSON answers have these headers and no others', async () => {
  const { ask, bearer, made, room } = await setUp()
  expect(made).toMatchObject({ status: 201, headers: { ...json, location: room } })
  expect(made.headers).toEqual({ ...json, location: room })
  expect((await ask('GET', '/v1/user/me', bearer)).headers).toEqual(json)
  expect((await ask('GET', `${room}/message`, bearer)).headers).toEqual({ ...json, ...quota })
  expect((await ask('GET', `${room}/message/all`, bearer)).headers).toEqual({ ...json, ...quota })
  expect((await ask('GET', '/livez')).headers).toEqual(json)
})

test('refusals have these headers and no others', async () => {
  const { ask, bearer, room } = await setUp()
  const none = await ask('GET', '/nowhere')
  expect([none.status, none.headers]).toEqual([404, problem])
  const stranger = await ask('GET', '/v1/user/me')
  expect([stranger.status, stranger.headers]).toEqual([
    401,
    { ...problem, 'www-authenticate': 'Bearer error="invalid_token"' },
  ])
  const method = await ask('DELETE', '/livez')
  expect([method.status, method.headers]).toEqual([405, { ...problem, allow: 'GET, HEAD' }])
  const invalid = await ask('GET', `${room}/message/all?limit=0`, bearer)
  expect([invalid.status, invalid.headers]).toEqual([422, { ...problem, ...quota }])
  const crossSite = await ask('POST', '/v1/auth/signup', { origin: 'https://evil.example' })
  const {
    'access-control-allow-origin': _a,
    'access-control-expose-headers': _b,
    ...bare
  } = problem
  expect([crossSite.status, crossSite.headers]).toEqual([403, bare])
})

test('429 has these headers and no others', async () => {
  const { ask, bearer, room } = await setUp()
  const stream = await ask('GET', `${room}/events`, bearer)
  const refused = await ask('GET', `${room}/events`, bearer)
  expect([refused.status, refused.headers]).toEqual([
    429,
    {
      ...problem,
      connection: 'close',
      'retry-after': '15',
      // Its own limit, not that of the quota.
      'ratelimit-policy': '"streams";q=1;qu="concurrent-requests"',
      ratelimit: '"streams";r=0',
    },
  ])
  await stream.answer.body?.cancel()
})

test('an event stream has these headers and no others', async () => {
  const { ask, bearer, room } = await setUp()
  const stream = await ask('GET', `${room}/events`, bearer)
  expect([stream.status, stream.headers]).toEqual([
    200,
    {
      ...common,
      ...quota,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  ])
  await stream.answer.body?.cancel()
})

test('an export has these headers and no others', async () => {
  const { ask, bearer } = await setUp()
  const exported = await ask('GET', '/v1/user/me/export', bearer)
  expect([exported.status, exported.headers]).toEqual([
    200,
    {
      ...common,
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="pollux-export.ndjson"',
    },
  ])
  await exported.answer.body?.cancel()
})

test('HTML pages, their files and the OpenAPI document have these headers and no others', async () => {
  const { ask } = await setUp()
  const explained = await ask('GET', '/problems/validation', { accept: 'text/html' })
  expect([explained.status, explained.headers]).toEqual([
    200,
    {
      ...common,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; frame-ancestors 'none'$/,
      ),
      'cache-control': 'public, max-age=3600',
      vary: 'accept, origin',
    },
  ])
  const back = await ask('GET', '/v1/subscription/return?outcome=paid')
  expect([back.status, back.headers]).toEqual([
    200,
    {
      ...common,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    },
  ])
  const shared = {
    ...common,
    'cache-control': 'no-cache',
    etag: expect.stringMatching(/^W\/"[\w-]{22}"$/),
    vary: 'accept-encoding, origin',
  }
  const policy = expect.stringMatching(
    /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
  )
  const swagger = { ...shared, 'content-security-policy': policy }
  const page = await ask('GET', '/swagger')
  expect(page.headers).toEqual({ ...swagger, 'content-type': 'text/html; charset=utf-8' })
  const script = await ask('GET', '/swagger/swagger-ui.js', { 'accept-encoding': 'gzip' })
  expect(script.headers).toEqual({
    ...swagger,
    'content-type': 'text/javascript; charset=utf-8',
    'content-encoding': 'gzip',
  })
  await script.answer.body?.cancel()
  const document = await ask('GET', '/swagger/json')
  expect(document.headers).toEqual({ ...shared, 'content-type': 'application/json' })
  const etag = String(document.headers['etag'])
  const unchanged = await ask('GET', '/swagger/json', { 'if-none-match': etag })
  expect([unchanged.status, unchanged.headers]).toEqual([304, { ...shared, etag }])
  await document.answer.body?.cancel()
})

test('an answer without a body and a preflight have these headers and no others', async () => {
  const { ask, bearer, room } = await setUp()
  const deleted = await ask('DELETE', room, bearer)
  expect([deleted.status, deleted.headers]).toEqual([204, common])
  const preflight = await ask('OPTIONS', '/v1/chatroom', {
    'access-control-request-method': 'POST',
  })
  expect([preflight.status, preflight.headers]).toEqual([
    204,
    {
      ...common,
      'access-control-allow-methods': 'GET, POST, PATCH, DELETE',
      'access-control-allow-headers':
        'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id, Traceparent',
      'access-control-max-age': '600',
    },
  ])
})

test('without CORS_ORIGINS no answer says anything of origins', async () => {
  const { app } = createTestApp()
  const answer = await app.handle(
    new Request('http://localhost/livez', { headers: { origin, 'x-request-id': id } }),
  )
  const {
    vary: _v,
    'access-control-allow-origin': _a,
    'access-control-expose-headers': _e,
    ...own
  } = json
  expect(Object.fromEntries(answer.headers)).toEqual(own)
})
