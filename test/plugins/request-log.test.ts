import { expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { createLog, type Log } from '#src/lib/log.ts'
import { noMeters } from '#src/lib/meters.ts'
import { createRequestLog } from '#src/plugins/request-log.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createTestApp } from '#test/support/test-app.ts'

interface Line {
  level: string
  msg: string
  requestId: string
  method: string
  route: string
  status: number
  ms: number
  userId?: string
  traceId?: string
}

function createLoggedApp() {
  const lines: string[] = []
  const log = createLog('debug', { to: { write: (line) => lines.push(line) } })
  const app = createTestApp({}, { log })
  const requests = () =>
    lines.map((line): Line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  return { ...app, lines, requests }
}

test('a request is one line: id, route pattern, status, time, user', async () => {
  const { send, signIn, requests } = createLoggedApp()
  const { token, userId } = await signIn()
  const answer = await send('POST', '/v1/chatroom', { token, body: {} })
  await turns(2)
  expect(requests()).toEqual([
    expect.objectContaining({
      level: 'info',
      requestId: answer.headers.get('x-request-id'),
      method: 'POST',
      route: '/v1/chatroom',
      status: 201,
      ms: expect.any(Number),
      userId,
    }),
  ])
})

test('the pattern is told and never the path, also where nothing matches', async () => {
  const { send, signIn, requests, lines } = createLoggedApp()
  const { token } = await signIn()
  await send('GET', '/v1/chatroom/some-room-id', { token })
  await send('GET', '/v1/oops/secret-in-the-path?token=secret-in-the-query')
  await send('PUT', '/v1/chatroom')
  await turns(2)
  expect(requests().map(({ route, status }) => [route, status])).toEqual([
    ['/v1/chatroom/:id', 404],
    ['(none)', 404],
    ['(none)', 405],
  ])
  expect(lines.join('')).not.toMatch(/some-room-id|secret-in/)
})

test('a refused request is told with its status, and a stranger without a user', async () => {
  const { send, signIn, requests } = createLoggedApp()
  const { token } = await signIn()
  await send('GET', '/v1/chatroom')
  await send('POST', '/v1/chatroom', { token, body: { nonsense: 1 } })
  await send('POST', '/v1/chatroom', { token, body: '{' })
  await turns(2)
  expect(requests().map(({ status }) => status)).toEqual([401, 422, 400])
  expect(requests()[0]?.userId).toBeUndefined()
})

test('the trace of the caller is in the line', async () => {
  const { send, requests } = createLoggedApp()
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  await send('GET', '/v1/nothing', {
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  })
  await turns(2)
  expect(requests()[0]?.traceId).toBe(traceId)
})

test('probes are told at debug, so that they do not drown the others', async () => {
  const { send, requests } = createLoggedApp()
  await send('GET', '/livez')
  await turns(2)
  expect(requests()[0]).toMatchObject({ level: 'debug', route: '/livez', status: 200 })
})

test('a probe that fails is logged at info, whatever made it fail', async () => {
  const lines: string[] = []
  const log = createLog('debug', { to: { write: (line) => lines.push(line) } })
  const app = createRequestLogApp(log)
  for (const path of ['/readyz', '/livez', '/metrics']) {
    for (const status of [200, 404, 503, 500]) {
      await app.handle(new Request(`http://localhost${path}?status=${status}`))
    }
  }
  await turns(2)
  const told = lines.map((line): Line => JSON.parse(line))
  expect(told.map(({ route, status, level }) => [route, status, level])).toEqual(
    ['/readyz', '/livez', '/metrics'].flatMap((route) => [
      [route, 200, 'debug'],
      [route, 404, 'debug'],
      [route, 503, 'info'],
      [route, 500, 'info'],
    ]),
  )
})

/** The probes' routes, each answering with the status that is asked for. */
function createRequestLogApp(log: Log) {
  const answer = ({ request }: { request: Request }) =>
    new Response(null, { status: Number(new URL(request.url).searchParams.get('status')) })
  return new Elysia()
    .use(createRequestLog({ log, meters: noMeters }))
    .get('/readyz', answer)
    .get('/livez', answer)
    .get('/metrics', answer)
}

test('no meters are needed', () => {
  expect(noMeters.reader()()).toBeUndefined()
})
