import { expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { MediaType } from '#src/plugins/docs/types.ts'
import { documentOf } from '#src/plugins/docs.ts'
import { json, type TestUser } from '#test/support/test-app.ts'
import { createWholeApp } from '#test/support/whole-app.ts'

const document = await documentOf(createWholeApp().app)

interface Route {
  name: string
  method: string
  path: string
  body: unknown
  /** The names of its query; undefined where it takes none. */
  query: string[] | undefined
}

/** Every route but the webhook, with the body its document shows: a new route is walked by itself. */
const all = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(() => path !== '/metrics' && path !== '/v1/webhook/stripe')
    .map(([method, { requestBody, parameters = [], security }]) => {
      const query = parameters.flatMap((one) =>
        'in' in one && one.in === 'query' ? [one.name] : [],
      )
      const json: MediaType | undefined = requestBody?.content?.['application/json']
      const example = json?.example ?? Object.values(json?.examples ?? {})[0]?.value
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        body: example,
        query: query.length > 0 ? query : undefined,
        isPublic: security.length === 0,
      }
    }),
)

/** Those that ask for a token. */
const routes: Route[] = all.filter(({ isPublic }) => !isPublic)

async function setUp() {
  const app = createWholeApp()
  const [owner, other] = [await app.signIn(), await app.signIn()]
  const room = await json<Room>(app.send('POST', '/v1/chatroom', { token: owner.token }))
  const { reply } = await json<{ reply: { id: string } }>(
    app.send('POST', `/v1/chatroom/${room.id}/message`, {
      token: owner.token,
      body: { userPrompt: 'hello' },
    }),
  )
  const ask = async ({ method, path, body }: Route, token: string | undefined, ids: string[]) => {
    const [first = '', second = ''] = ids
    const url = path.replace('{id}', first).replace('{messageId}', second)
    const answer = await app.send(method, url, { token, body, headers: { 'x-request-id': 'same' } })
    const text = answer.status < 300 ? '' : await answer.text()
    await answer.body?.cancel().catch(() => {})
    return { status: answer.status, text, challenge: answer.headers.get('www-authenticate') }
  }
  const idsOf = ({ path }: Route, user: TestUser) =>
    path.includes('/sessions/') ? [user.sessionId] : [room.id, reply.id]
  return { ...app, owner, other, ask, idsOf }
}

test('the walk finds the routes', () => {
  expect(routes.length).toBeGreaterThan(25)
  expect(routes.map(({ name }) => name)).toContain('POST /v1/chatroom/{id}/message')
})

test.each(routes)(
  '$name: nobody, a forged token, a revoked session and a deleted user get the same 401',
  async (route) => {
    const { ask, idsOf, owner, signIn, database } = await setUp()
    const [revoked, deleted] = [await signIn(), await signIn()]
    database.sqlite.query('UPDATE sessions SET ended_at = 1 WHERE id = ?').run(revoked.sessionId)
    database.sqlite.query('DELETE FROM users WHERE id = ?').run(deleted.userId)
    const ids = idsOf(route, owner)
    const answers = [undefined, 'forged', `${owner.token}x`, revoked.token, deleted.token].map(
      (token) => ask(route, token, ids),
    )
    const [first, ...others] = await Promise.all(answers)
    expect(first?.status).toBe(401)
    expect(first?.challenge).toBe('Bearer error="invalid_token"')
    for (const one of others) expect(one).toEqual(first as typeof one)
  },
)

test.each(routes)('$name: a stranger learns nothing of the schema', async (route) => {
  const { ask, idsOf, owner } = await setUp()
  const odd = { ...route, body: route.method === 'GET' ? undefined : { zz: '\u0001' } }
  expect((await ask(odd, undefined, idsOf(route, owner))).status).toBe(401)
})

test.each(routes.filter(({ path }) => path.includes('{')))(
  '$name: somebody else’s is nobody’s, byte for byte; the owner has it',
  async (route) => {
    const { ask, idsOf, owner, other } = await setUp()
    const ids = idsOf(route, owner)
    const none = ids.map(() => '01890000-0000-7000-8000-000000000000')
    const others = await ask(route, other.token, ids)
    expect(others.status).toBe(404)
    for (const odd of [
      none,
      ids.map(() => 'x'),
      ids.map(() => "'%20OR%201=1--"),
      ids.map(() => '%00'),
    ]) {
      expect(await ask(route, other.token, odd)).toEqual(others)
    }
    expect((await ask(route, owner.token, ids)).status).not.toBe(404)
  },
)

test.each(routes.filter(({ query }) => query))(
  '$name: takes no query that has to be guessed at',
  async (route) => {
    const { ask, idsOf, owner } = await setUp()
    const ids = idsOf(route, owner)
    const found = async (query: string) => {
      const needed = route.path === '/v1/search' && !query.startsWith('q=') ? 'q=x&' : ''
      const path = `${route.path}?${needed}${query}`
      return (await ask({ ...route, path }, owner.token, ids)).status
    }
    const values = Object.entries({ q: 'x', limit: '1', cursor: 'x', order: 'asc', wait: '1' })
    const own = values.filter(([name]) => route.query?.includes(name))
    expect(own).toHaveLength(route.query?.length ?? 0)
    for (const [name, value] of own) {
      const bad = ['%ff', '%ED%A0%80', 'x%00', `${value}&${name}=${value}`]
      for (const one of bad) {
        const query = `${name}=${one}`
        expect([query, await found(query)]).toEqual([query, 422])
      }
    }
    if (!route.query?.includes('cursor')) return
    for (const cursor of ['', 'x', 'x'.repeat(5_000)]) {
      expect([cursor, await found(`cursor=${cursor}`)]).toEqual([cursor, 400])
    }
  },
)

const writing: Route[] = all.filter(({ method }) => method !== 'GET')

test.each(writing)('$name: takes no body that cannot be read', async (route) => {
  const { send, idsOf, owner } = await setUp()
  const [id = '', messageId = ''] = idsOf(route, owner)
  const path = route.path.replace('{id}', id).replace('{messageId}', messageId)
  const answer = async (body: string, type = 'application/json') => {
    const headers = { 'content-type': type }
    return (await send(route.method, path, { token: owner.token, body, headers })).status
  }
  expect(await answer('{"a":')).toBe(400)
  expect(await answer('[]')).toBe(422)
  expect(await answer('{}', 'text/plain')).toBe(415)
  expect(await answer(`{"a":"${'x'.repeat(64 * 1024)}"}`)).toBe(413)
})

test.each(writing)('$name: no field can be smuggled in beside those it takes', async (route) => {
  const { ask, idsOf, owner } = await setUp()
  const ids = idsOf(route, owner)
  for (const field of ['userId', 'id', 'tier', 'tierOverride', 'isAdmin', 'status', 'verifiedAt']) {
    const body = { ...(route.body ?? {}), [field]: 'pro' }
    expect((await ask({ ...route, body }, owner.token, ids)).status).toBe(422)
  }
  for (const field of ['__proto__', 'constructor', 'prototype']) {
    const text = JSON.stringify(route.body ?? {}).replace(/^\{,?/, `{"${field}":{"tier":"pro"},`)
    const body = text.replace(',}', '}')
    expect([field, (await ask({ ...route, body }, owner.token, ids)).status]).toEqual([field, 422])
  }
  expect(({} as { tier?: string }).tier).toBeUndefined()
})

test('a nested id counts only under its own room', async () => {
  const { send, owner } = await setUp()
  const [mine, second] = [
    (await json<{ items: Room[] }>(send('GET', '/v1/chatroom', owner))).items[0],
    await json<Room>(send('POST', '/v1/chatroom', { token: owner.token })),
  ]
  const page = await json<{ items: { id: string }[] }>(
    send('GET', `/v1/chatroom/${mine?.id}/message/all`, owner),
  )
  const messageId = page.items[0]?.id
  expect((await send('GET', `/v1/chatroom/${mine?.id}/message/${messageId}`, owner)).status).toBe(
    200,
  )
  expect((await send('GET', `/v1/chatroom/${second.id}/message/${messageId}`, owner)).status).toBe(
    404,
  )
})

test('other methods are 405 and odd spellings of a path are 404, whoever asks', async () => {
  const { send, owner } = await setUp()
  for (const token of [undefined, owner.token]) {
    for (const method of ['PUT', 'TRACE', 'CONNECT', 'PROPFIND']) {
      if (method === 'TRACE' || method === 'CONNECT') continue
      expect((await send(method, '/v1/user/me', { token })).status).toBe(405)
    }
    const odd = [
      '/v1/user/me/',
      '/v1//user/me',
      '/v1/user/%6De',
      '/V1/user/me',
      '/v1/user/me;x',
      '/v1/user/me%00',
    ]
    for (const path of odd) {
      const { status } = await send('GET', path, { token })
      expect([path, [401, 404].includes(status) || token !== undefined]).toEqual([path, true])
      if (token !== undefined)
        expect([path, status === 404 || path.includes('%6D')]).toEqual([path, true])
    }
  }
})

test('a cursor is good for the list and the user it was given to, and for nobody else', async () => {
  const { send, signIn, database } = createWholeApp()
  const [one, two] = [await signIn(), await signIn()]
  for (const { token } of [one, two]) {
    for (let at = 0; at < 2; at++) await send('POST', '/v1/chatroom', { token })
  }
  database.sqlite.run(`
    INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at)
    SELECT 'f' || substr(id, 2), user_id, created_at, last_used_at, expires_at FROM sessions`)
  const next = async (path: string, token: string) =>
    (await json<{ nextCursor: string }>(send('GET', path, { token }))).nextCursor
  const lists = ['/v1/chatroom?limit=1', '/v1/auth/sessions?limit=1']
  for (const path of lists) {
    const cursor = encodeURIComponent(await next(path, one.token))
    const statusOf = async (other: string, token: string) =>
      (await send('GET', `${other}&cursor=${cursor}`, { token })).status
    expect([path, await statusOf(path, one.token)]).toEqual([path, 200])
    expect([path, await statusOf(path, two.token)]).toEqual([path, 400])
    for (const other of lists.filter((one) => one !== path)) {
      expect([path, other, await statusOf(other, one.token)]).toEqual([path, other, 400])
    }
  }
})
