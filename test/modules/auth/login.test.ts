import { describe, expect, test } from 'bun:test'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import type { CodeSent, User } from '#src/plugins/schemas.ts'
import { createTestApp, json, type ProblemJson } from '#test/support/test-app.ts'

const phone = '+4930901820'
const password = 'seven oaks under a lantern'

interface Tokens {
  token: string
  tokenType: string
  expiresIn: number
  refreshToken: string
  refreshExpiresAt: string
  user: User
}

function setUp() {
  const app = createTestApp()
  const post = (path: string, body: unknown, token?: string) =>
    app.send('POST', `/v1/auth/${path}`, { body, token })
  const challenge = async (body: unknown = { phone }, path = 'send-otp') => {
    const { otp = 'none', challengeId } = await json<CodeSent>(post(path, body))
    return { otp, challengeId }
  }
  const code = async (...request: Parameters<typeof challenge>) => (await challenge(...request)).otp
  const slug = async (answer: Promise<Response>) => (await json<ProblemJson>(answer)).type
  return { ...app, post, challenge, code, slug }
}

describe('The path of a new user', () => {
  test('signs up, requests a code, logs in and reads the profile', async () => {
    const { post, send } = setUp()
    expect((await post('signup', { phone: '0049 30 901820', name: 'Ada' })).status).toBe(202)
    const sent = await post('send-otp', { phone })
    expect(sent.status).toBe(202)
    const { otp, message, expiresAt, resendAt } = await json<CodeSent>(sent)
    expect(otp).toMatch(/^\d{6}$/)
    expect(message).toBeString()
    expect(expiresAt).toBe('2026-11-22T12:05:00.000Z')
    expect(resendAt).toBe('2026-11-22T12:01:00.000Z')
    const answer = await post('verify-otp', { phone: '+49 (30) 90-18-20', otp })
    expect(answer.status).toBe(200)
    const tokens = await json<Tokens>(answer)
    expect(tokens).toMatchObject({
      tokenType: 'Bearer',
      expiresIn: 1200,
      refreshExpiresAt: '2026-12-22T12:00:00.000Z',
      user: { phone, name: 'Ada', tier: 'basic', hasPassword: false, quota: { limit: 5, used: 0 } },
    })
    const me = await send('GET', '/v1/user/me', { token: tokens.token })
    expect(await json<User>(me)).toEqual(tokens.user)
  })

  test('takes urlencoded bodies', async () => {
    const { send } = setUp()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = 'phone=%2B4930901820&name=Ada'
    expect((await send('POST', '/v1/auth/signup', { headers, body })).status).toBe(202)
  })

  test('PATCH /v1/user/me changes the name', async () => {
    const { send, signIn } = setUp()
    const { token } = await signIn()
    const answer = await send('PATCH', '/v1/user/me', { token, body: { name: 'Grace' } })
    expect((await json<User>(answer)).name).toBe('Grace')
  })
})

describe('A password', () => {
  test('is required at login once it is set, and a code without it uses no attempt', async () => {
    const { post, challenge, code, slug, clock } = setUp()
    await post('signup', { phone, password })
    const first = await challenge({ phone, password })
    expect((await post('verify-otp', { phone, ...first })).status).toBe(200)
    await clock.advance(MINUTE)
    const otp = await code()
    for (let at = 0; at < 6; at++) {
      expect(await slug(post('verify-otp', { phone, otp }))).toBe('/problems/password-required')
    }
    expect(await slug(post('verify-otp', { phone, otp, password: 'wrong' }))).toBe(
      '/problems/invalid-credentials',
    )
    expect((await post('verify-otp', { phone, otp, password })).status).toBe(200)
  })

  test('can be set with a code where there is none, and changed with the old one', async () => {
    const { post, code, slug, clock } = setUp()
    await post('signup', { phone })
    const login = await post('verify-otp', { phone, otp: await code() })
    const { token } = await json<Tokens>(login)
    expect((await post('change-password', { newPassword: password }, token)).status).toBe(422)
    const passwordChangeOTP = await code({ phone }, 'forgot-password')
    const body = { newPassword: password, confNewPassword: password, passwordChangeOTP }
    expect((await post('change-password', { ...body, confNewPassword: 'x' }, token)).status).toBe(
      422,
    )
    expect((await post('change-password', body, token)).status).toBe(204)
    const next = 'wet lantern under seven oaks'
    const wrong = { oldPassword: 'wrong', newPassword: next }
    expect(await slug(post('change-password', wrong, token))).toBe('/problems/wrong-password')
    const right = { oldPassword: password, newPassword: next }
    expect((await post('change-password', right, token)).status).toBe(204)
    await clock.advance(MINUTE)
    const otp = await code()
    expect(await slug(post('verify-otp', { phone, otp, password }))).toBe(
      '/problems/invalid-credentials',
    )
    expect((await post('verify-otp', { phone, otp, password: next })).status).toBe(200)
  })

  test('can be reset with a code, which ends every session', async () => {
    const { post, code, send } = setUp()
    await post('signup', { phone })
    const login = await post('verify-otp', { phone, otp: await code() })
    const { token } = await json<Tokens>(login)
    const otp = await code({ phone }, 'forgot-password')
    const reset = { phone, otp, newPassword: password }
    expect((await post('reset-password', reset)).status).toBe(204)
    expect((await send('GET', '/v1/user/me', { token })).status).toBe(401)
    expect((await post('reset-password', reset)).status).toBe(401)
  })
})

describe('Sessions', () => {
  async function logIn() {
    const app = setUp()
    await app.post('signup', { phone })
    const tokens = await json<Tokens>(app.post('verify-otp', { phone, otp: await app.code() }))
    return { ...app, tokens }
  }

  test('refresh rotates the token; the previous one returns the same pair for ten seconds', async () => {
    const { post, clock, tokens, send } = await logIn()
    const refresh = (refreshToken: string) => post('refresh', { refreshToken })
    const next = await json<Tokens>(refresh(tokens.refreshToken))
    expect(next.refreshToken).not.toBe(tokens.refreshToken)
    await clock.advance(10 * SECOND)
    const again = await json<Tokens>(refresh(tokens.refreshToken))
    expect(again.refreshToken).toBe(next.refreshToken)
    await clock.advance(1)
    expect((await refresh(tokens.refreshToken)).status).toBe(401)
    expect((await refresh(next.refreshToken)).status).toBe(401)
    expect((await send('GET', '/v1/user/me', { token: next.token })).status).toBe(401)
  })

  test('logout ends this session at once', async () => {
    const { post, send, tokens } = await logIn()
    expect((await post('logout', undefined, tokens.token)).status).toBe(204)
    expect((await send('GET', '/v1/user/me', { token: tokens.token })).status).toBe(401)
    expect((await post('refresh', { refreshToken: tokens.refreshToken })).status).toBe(401)
  })

  test('are listed newest first, and end one by one or all but the current one', async () => {
    const { post, code, send, tokens, clock, database } = await logIn()
    const others: Tokens[] = []
    for (let at = 0; at < 2; at++) {
      await clock.advance(MINUTE)
      others.push(await json<Tokens>(post('verify-otp', { phone, otp: await code() })))
    }
    const list = async () =>
      (
        await json<{ items: { id: string; current: boolean }[] }>(
          send('GET', '/v1/auth/sessions', { token: tokens.token }),
        )
      ).items
    const before = await list()
    expect(before.map(({ current }) => current)).toEqual([false, false, true])
    const path = `/v1/auth/sessions/${before[0]?.id}`
    expect((await send('DELETE', path, { token: tokens.token })).status).toBe(204)
    expect((await send('DELETE', path, { token: tokens.token })).status).toBe(404)
    expect((await send('GET', '/v1/user/me', { token: others[1]?.token })).status).toBe(401)
    expect((await send('DELETE', '/v1/auth/sessions', { token: tokens.token })).status).toBe(204)
    expect((await list()).map(({ current }) => current)).toEqual([true])
    // A repetition ends no session and is not audited.
    expect((await send('DELETE', '/v1/auth/sessions', { token: tokens.token })).status).toBe(204)
    const ended = database.sqlite.query("SELECT 1 FROM audit_log WHERE event = 'sessions.ended'")
    expect(ended.all()).toHaveLength(1)
    expect((await send('GET', '/v1/user/me', { token: others[0]?.token })).status).toBe(401)
  })
})
