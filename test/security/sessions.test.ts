import { describe, expect, test } from 'bun:test'
import { DAY, MINUTE } from '#src/lib/time.ts'
import { createAccountApp, PASSWORD, PHONE, type TokenAnswer } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

type App = ReturnType<typeof createAccountApp>

const ROOMY = { otpPerIpHour: 10_000, otpPerNumberDay: 10_000, authPerIpMinute: 100_000 }

/** Logs in `count` times, a minute apart; the newest last. */
async function logInTimes({ logIn, clock }: App, count: number): Promise<TokenAnswer[]> {
  const logins: TokenAnswer[] = []
  for (let at = 0; at < count; at++) {
    logins.push(await logIn())
    await clock.advance(3 * MINUTE)
  }
  return logins
}

const listed = async ({ send }: App, token: string) =>
  (await json<{ items: { createdAt: string }[] }>(send('GET', '/v1/auth/sessions', { token })))
    .items

const tokenRows = ({ database }: App) =>
  database.sqlite.query<{ n: number }, []>('SELECT count(*) AS n FROM refresh_tokens').get()?.n

describe('SESSIONS_PER_USER', () => {
  test('one login more ends the oldest session, its stream and its tokens, and writes it down', async () => {
    const app = createAccountApp({ ...ROOMY, sessionsPerUser: 3 })
    const { send, post, database } = app
    const logins = await logInTimes(app, 5)
    const alive = await Promise.all(
      logins.map(({ token }) => send('GET', '/v1/user/me', { token }).then(({ status }) => status)),
    )
    expect(alive).toEqual([401, 401, 200, 200, 200])
    expect(await listed(app, logins[4]?.token ?? '')).toHaveLength(3)
    const refreshed = await post('refresh', { refreshToken: logins[0]?.refreshToken })
    expect(refreshed.status).toBe(401)
    expect(tokenRows(app)).toBe(3)
    const audit = database.sqlite.query<{ actor: string; detail: string }, []>(
      "SELECT actor, detail FROM audit_log WHERE event = 'session.ended'",
    )
    expect(audit.all().map(({ actor, detail }) => [actor, JSON.parse(detail).cause])).toEqual([
      ...[
        ['system', 'too many'],
        ['system', 'too many'],
      ],
    ])
  })

  test('is 20 where nothing is set, and another user’s sessions do not count', async () => {
    const app = createAccountApp(ROOMY)
    const other = await app.logIn('+4930901829')
    await logInTimes(app, 22)
    const living = app.database.sqlite.query<{ n: number }, [string]>(
      'SELECT count(*) AS n FROM sessions WHERE user_id = ? AND ended_at IS NULL',
    )
    const own = app.database.sqlite
      .query<{ id: string }, [string]>('SELECT id FROM users WHERE phone = ?')
      .get(PHONE)
    expect(living.get(own?.id ?? '')?.n).toBe(20)
    expect(living.get(other.user.id)?.n).toBe(1)
  })

  test('sessions whose time is over take no place', async () => {
    const app = createAccountApp({ ...ROOMY, sessionsPerUser: 2, refreshTtlDays: 1 })
    await logInTimes(app, 2)
    app.clock.set(app.clock.now() + DAY)
    const [one, two] = await logInTimes(app, 2)
    expect((await app.send('GET', '/v1/user/me', { token: one?.token })).status).toBe(200)
    expect((await app.send('GET', '/v1/user/me', { token: two?.token })).status).toBe(200)
    const ended = app.database.sqlite.query('SELECT 1 FROM sessions WHERE ended_at IS NOT NULL')
    expect(ended.all()).toEqual([])
  })
})

test('a session whose time is over is not listed', async () => {
  const app = createAccountApp({ ...ROOMY, refreshTtlDays: 1 })
  await logInTimes(app, 1)
  app.clock.set(app.clock.now() + DAY - 7 * MINUTE)
  const [login] = await logInTimes(app, 1)
  const { token = '', user } = login ?? {}
  expect(user?.phone).toBe(PHONE)
  expect(await listed(app, token)).toHaveLength(2)
  await app.clock.advance(2 * MINUTE)
  expect(await listed(app, token)).toHaveLength(1)
})

test('the refresh tokens of a session go when it ends, however it ends', async () => {
  const app = createAccountApp(ROOMY)
  const { post, send, clock } = app
  const [first, second, third, fourth] = await logInTimes(app, 4)
  const next = await json<TokenAnswer>(post('refresh', { refreshToken: first?.refreshToken }))
  expect(tokenRows(app)).toBe(5)
  await clock.advance(MINUTE)
  // Reuse, logout, the end of one, the end of all others, a reset.
  expect((await post('refresh', { refreshToken: first?.refreshToken })).status).toBe(401)
  expect(tokenRows(app)).toBe(3)
  expect((await post('refresh', { refreshToken: next.refreshToken })).status).toBe(401)
  await post('logout', undefined, second?.token)
  expect(tokenRows(app)).toBe(2)
  await send('DELETE', '/v1/auth/sessions', { token: fourth?.token })
  expect(tokenRows(app)).toBe(1)
  expect((await send('GET', '/v1/user/me', { token: third?.token })).status).toBe(401)
  const code = await app.challenge({ phone: PHONE }, 'forgot-password')
  const reset = { phone: PHONE, ...code, newPassword: PASSWORD }
  expect((await post('reset-password', reset)).status).toBe(204)
  expect(tokenRows(app)).toBe(0)
})

test('a client that refreshes without end keeps 3 000 tokens, and reuse of those is still seen', async () => {
  const app = createAccountApp(ROOMY)
  const { post, database, clock } = app
  const login = await app.logIn()
  database.sqlite.run(`
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2999)
    INSERT INTO refresh_tokens (hash, session_id, created_at, rotated_at)
    SELECT 'old-' || i, (SELECT id FROM sessions), i, i FROM n`)
  const next = await json<TokenAnswer>(post('refresh', { refreshToken: login.refreshToken }))
  expect(tokenRows(app)).toBe(2_701)
  await clock.advance(MINUTE)
  expect((await post('refresh', { refreshToken: login.refreshToken })).status).toBe(401)
  expect((await post('refresh', { refreshToken: next.refreshToken })).status).toBe(401)
})
