import { describe, expect, test } from 'bun:test'
import { DAY, MINUTE } from '#src/lib/time.ts'
import {
  copyTable,
  createAccountApp,
  PHONE,
  type TokenAnswer,
} from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

const SECRET = 'development-secret-development-secret'

describe('a refresh token', () => {
  const refresh = (app: ReturnType<typeof createAccountApp>, refreshToken: string) =>
    app.post('refresh', { refreshToken })

  test('in parallel: 50 at once all get the one successor, and the session lives', async () => {
    const app = createAccountApp({ authPerIpMinute: 1_000 })
    const { refreshToken } = await app.logIn()
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(app, refreshToken)))
    const next = await Promise.all(answers.map((answer) => json<TokenAnswer>(answer)))
    expect(new Set(next.map((one) => one.refreshToken)).size).toBe(1)
    expect((await refresh(app, next[0]?.refreshToken ?? '')).status).toBe(200)
  })

  test('two steps back is reuse also inside the grace, and ends the session with an audit entry', async () => {
    const app = createAccountApp()
    const first = await app.logIn()
    const second = await json<TokenAnswer>(refresh(app, first.refreshToken))
    const third = await json<TokenAnswer>(refresh(app, second.refreshToken))
    expect((await refresh(app, first.refreshToken)).status).toBe(401)
    expect((await refresh(app, third.refreshToken)).status).toBe(401)
    expect((await app.send('GET', '/v1/user/me', { token: third.token })).status).toBe(401)
    const events = app.database.sqlite
      .query<{ event: string }, []>('SELECT event FROM audit_log')
      .all()
    expect(events.map(({ event }) => event)).toContain('refresh.reused')
  })

  test('one step back is good for ten seconds, as its answer may be lost, and reuse from then on', async () => {
    for (const [waitMs, status] of [
      [10_000, 200],
      [10_001, 401],
    ] as const) {
      const app = createAccountApp()
      const first = await app.logIn()
      const second = await json<TokenAnswer>(refresh(app, first.refreshToken))
      app.clock.set(app.clock.now() + waitMs)
      expect([waitMs, (await refresh(app, first.refreshToken)).status]).toEqual([waitMs, status])
      expect((await refresh(app, second.refreshToken)).status).toBe(status)
      const { n } = app.database.sqlite
        .query<{ n: number }, []>(
          "SELECT count(*) AS n FROM audit_log WHERE event = 'refresh.reused'",
        )
        .get() ?? { n: 0 }
      expect(n).toBe(status === 401 ? 1 : 0)
    }
  })

  test('is refreshed until SESSION_MAX_DAYS after the login and no longer', async () => {
    const app = createAccountApp({ sessionMaxDays: 3, refreshTtlDays: 2 })
    let tokens = await app.logIn()
    const loggedInAt = app.clock.now()
    const endsAt = new Date(loggedInAt + 3 * DAY).toISOString()
    const expiries = [tokens.refreshExpiresAt]
    for (const afterMs of [DAY, 2 * DAY, 3 * DAY - 1]) {
      app.clock.set(loggedInAt + afterMs)
      const answer = await refresh(app, tokens.refreshToken)
      expect([afterMs, answer.status]).toEqual([afterMs, 200])
      tokens = await json<TokenAnswer>(answer)
      expiries.push(tokens.refreshExpiresAt)
    }
    expect(expiries).toEqual([new Date(loggedInAt + 2 * DAY).toISOString(), endsAt, endsAt, endsAt])
    app.clock.set(loggedInAt + 3 * DAY)
    expect((await refresh(app, tokens.refreshToken)).status).toBe(401)
    expect((await app.send('GET', '/v1/user/me', { token: tokens.token })).status).toBe(401)
  })

  test('of one session ends no other', async () => {
    const app = createAccountApp()
    const one = await app.logIn()
    const two = await app.logIn()
    const next = await json<TokenAnswer>(refresh(app, one.refreshToken))
    await refresh(app, next.refreshToken)
    expect((await refresh(app, one.refreshToken)).status).toBe(401)
    expect((await refresh(app, two.refreshToken)).status).toBe(200)
  })

  test('lives 30 days without use, and not longer', async () => {
    for (const [extra, status] of [
      [-1, 200],
      [0, 401],
    ] as const) {
      const app = createAccountApp()
      const { refreshToken } = await app.logIn()
      app.clock.set(app.clock.now() + 30 * 24 * 60 * MINUTE + extra)
      expect((await refresh(app, refreshToken)).status).toBe(status)
    }
  })

  test('is no access token, and an access token refreshes nothing', async () => {
    const app = createAccountApp()
    const { token, refreshToken } = await app.logIn()
    expect((await app.send('GET', '/v1/user/me', { token: refreshToken })).status).toBe(401)
    expect((await refresh(app, token.slice(0, 100))).status).toBe(401)
    for (const odd of [
      refreshToken.slice(1),
      `${refreshToken}=`,
      refreshToken.toLowerCase(),
      '%',
    ]) {
      expect((await refresh(app, odd)).status).toBe(401)
    }
  })

  test('is stored as a digest only', async () => {
    const app = createAccountApp()
    const { refreshToken } = await app.logIn()
    const { refreshToken: next } = await json<TokenAnswer>(refresh(app, refreshToken))
    const rows = JSON.stringify(app.database.sqlite.query('SELECT * FROM refresh_tokens').all())
    expect(rows).not.toContain(refreshToken)
    expect(rows).not.toContain(next)
  })

  test('survives the rotation of JWT_SECRET, also where its last answer was lost', async () => {
    const app = createAccountApp()
    const { refreshToken } = await app.logIn()
    const { refreshToken: lost } = await json<TokenAnswer>(refresh(app, refreshToken))
    const rotated = createAccountApp({
      jwtSecret: 'another-secret-of-at-least-32-bytes',
      jwtSecretPrevious: SECRET,
    })
    for (const table of ['users', 'sessions', 'refresh_tokens'] as const) {
      copyTable(app.database, rotated.database, table)
    }
    const again = await json<TokenAnswer>(refresh(rotated, refreshToken))
    expect(again.refreshToken).toBe(lost)
    expect((await refresh(rotated, lost)).status).toBe(200)
    expect(PHONE).toBe(again.user.phone)
  })
})
