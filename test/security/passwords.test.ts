import { describe, expect, test } from 'bun:test'
import { createAccountApp, PASSWORD, PHONE } from '#test/support/test-accounts.ts'
import type { ProblemJson } from '#test/support/test-app.ts'

async function withPassword(password = PASSWORD, settings = {}) {
  const app = createAccountApp({ otpPerIpHour: 10_000, authPerIpMinute: 10_000, ...settings })
  return { ...app, login: await app.logInWithPassword(password) }
}

describe('a password', () => {
  test('in unicode is the same however it is composed', async () => {
    const { code, verify } = await withPassword('Zürich é Größe ü')
    const password = 'Zürich é Größe ü'.normalize('NFD')
    expect((await verify(await code({ phone: PHONE, password }))).status).toBe(200)
    expect((await verify(await code(), { password })).status).toBe(200)
  })

  test('counts characters, not code units: 128 emoji are fine, 129 and 7 are not', async () => {
    const { post } = createAccountApp({ otpPerIpHour: 100 })
    const emoji = (count: number) =>
      Array.from({ length: count }, (_, at) => String.fromCodePoint(0x1f400 + at * 3)).join('')
    expect((await post('signup', { phone: PHONE, password: emoji(128) })).status).toBe(202)
    for (const password of [emoji(129), emoji(7), 'a'.repeat(129), 'short', '']) {
      expect((await post('signup', { phone: PHONE, password })).status).toBe(422)
    }
  })

  test('with NUL, a lone surrogate, a megabyte or another type is refused', async () => {
    const { post } = createAccountApp({ otpPerIpHour: 100 })
    for (const password of ['seven oaks\0 lantern', 'seven oaks \ud800 lantern', 1, null, [], {}]) {
      expect((await post('signup', { phone: PHONE, password })).status).toBe(422)
    }
    const huge = await post('signup', { phone: PHONE, password: 'x'.repeat(1_048_576) })
    expect(huge.status).toBe(413)
  })

  test('that is common, or holds the number or the name, is refused and never echoed', async () => {
    const { post } = createAccountApp({ otpPerIpHour: 100 })
    const weak = [
      'password1',
      'PASSWORD1',
      'qwertyuiop',
      'x30901820x',
      '+49-30-90-18-20',
      'xxAugustaxx',
    ]
    for (const password of weak) {
      const answer = await post('signup', { phone: PHONE, name: 'Augusta Ada', password })
      const text = await answer.text()
      expect([password, answer.status]).toEqual([password, 422])
      expect(text).not.toContain(password)
      const problem: ProblemJson = JSON.parse(text)
      expect(problem.errors?.[0]?.pointer).toBe('/password')
    }
  })

  test('is guessed 20 times a day at most, even with the right codes; a reset lifts the wait', async () => {
    const { verify, slug, challenge, post } = await withPassword(PASSWORD, { otpPerNumberDay: 100 })
    for (let at = 0; at < 20; at += 4) {
      const { otp } = await challenge()
      for (let wrong = 0; wrong < 4; wrong++) {
        const answer = verify(otp, { password: `wrong ${at + wrong}` })
        expect(await slug(answer)).toBe('invalid-credentials')
      }
    }
    const { otp } = await challenge({ phone: PHONE, password: PASSWORD })
    for (const body of [{}, { password: PASSWORD }]) {
      const refused = await verify(otp, body)
      expect(refused.status).toBe(429)
      expect(refused.headers.get('ratelimit-policy')).toBe('"wrong-passwords";q=20;w=86400')
    }
    const code = await challenge({ phone: PHONE }, 'forgot-password')
    const newPassword = 'wet lantern under seven oaks'
    expect((await post('reset-password', { phone: PHONE, ...code, newPassword })).status).toBe(204)
    expect((await verify((await challenge()).otp, { password: newPassword })).status).toBe(200)
  })

  test('is guessed no more often by many guesses at once; right ones count nowhere', async () => {
    const { post, login, database } = await withPassword()
    const change = (oldPassword: string) =>
      post('change-password', { oldPassword, newPassword: 'wet lantern under oaks' }, login.token)
    const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => change(`wrong ${at}`)))
    const count = (status: number) => answers.filter((one) => one.status === status).length
    expect([count(403), count(429)]).toEqual([20, 20])
    // Guesses within a session stop no login.
    expect((await change(PASSWORD)).status).toBe(429)
    const limits = database.sqlite.query("SELECT count FROM rate_limits WHERE key LIKE 'wrong-p%'")
    expect(limits.all()).toEqual([{ count: 20 }])
  })

  test('guessed with the right code in hand spends the code’s five tries', async () => {
    const { verify, code, slug, clock } = await withPassword()
    clock.set(clock.now() + 60_000)
    const otp = await code()
    for (let at = 0; at < 5; at++) {
      expect(await slug(verify(otp, { password: `wrong ${at}` }))).toBe('invalid-credentials')
    }
    expect(await slug(verify(otp, { password: PASSWORD }))).toBe('invalid-otp')
  })

  test('parallel resets with one code: one of them counts', async () => {
    const { post, code, challenge, verify } = await withPassword()
    const otp = await code({ phone: PHONE }, 'forgot-password')
    const words = ['wet lantern under oaks', 'dry lantern under oaks', 'old lantern under oaks']
    const reset = (newPassword: string) =>
      post('reset-password', { phone: PHONE, otp, newPassword })
    const statuses = (await Promise.all(words.map(reset))).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([204, 401, 401])
    const won = words[statuses.indexOf(204)]
    const login = await challenge()
    for (const password of words.filter((word) => word !== won)) {
      expect((await verify(login.otp, { password })).status).toBe(401)
    }
    expect((await verify(login.otp, { password: won })).status).toBe(200)
  })

  test('parallel changes: one of them counts', async () => {
    const { post, login } = await withPassword()
    const change = (newPassword: string) =>
      post('change-password', { oldPassword: PASSWORD, newPassword }, login.token)
    const answers = await Promise.all(
      ['wet lantern under oaks', 'dry lantern under oaks'].map(change),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 409])
  })

  test('is hashed anew at login when the cost was raised', async () => {
    const { code, verify, database } = await withPassword()
    const hash = () =>
      database.sqlite.query<{ hash: string }, []>('SELECT password_hash AS hash FROM users').get()
        ?.hash
    const cheap = hash() ?? ''
    database.sqlite
      .query('UPDATE users SET password_hash = ?')
      .run(
        await Bun.password.hash(PASSWORD, { algorithm: 'argon2id', memoryCost: 16, timeCost: 1 }),
      )
    expect((await verify(await code(), { password: PASSWORD })).status).toBe(200)
    expect(hash()?.split('$')[3]).toBe(cheap.split('$')[3])
    expect((await verify(await code(), { password: PASSWORD })).status).toBe(200)
  })
})
