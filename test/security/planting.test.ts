import { describe, expect, test } from 'bun:test'
import { createAccountApp, PASSWORD, PHONE, type TokenAnswer } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

const ATTACKERS = 'a password of somebody else'

describe('signing up somebody else’s number plants no password', () => {
  test('before they sign up: theirs replaces it', async () => {
    const { post, code, verify } = createAccountApp()
    await post('signup', { phone: PHONE, password: ATTACKERS })
    await post('signup', { phone: PHONE, password: PASSWORD })
    expect((await post('send-otp', { phone: PHONE, password: ATTACKERS })).status).toBe(401)
    const otp = await code({ phone: PHONE, password: PASSWORD })
    expect((await json<TokenAnswer>(verify(otp))).user.hasPassword).toBe(true)
  })

  test('between their sign-up and their code: a login by code alone leaves no password', async () => {
    const { post, code, verify } = createAccountApp()
    await post('signup', { phone: PHONE })
    await post('signup', { phone: PHONE, password: ATTACKERS })
    const login = await json<TokenAnswer>(verify(await code()))
    expect(login.user.hasPassword).toBe(false)
    expect((await verify(await code())).status).toBe(200)
  })

  test('between their code and their login: the password they proved is the one kept', async () => {
    const { post, code, verify } = createAccountApp()
    await post('signup', { phone: PHONE, password: PASSWORD })
    const otp = await code({ phone: PHONE, password: PASSWORD })
    await post('signup', { phone: PHONE, password: ATTACKERS })
    expect((await verify(otp)).status).toBe(200)
    expect((await post('send-otp', { phone: PHONE, password: ATTACKERS })).status).toBe(401)
    await code({ phone: PHONE, password: PASSWORD })
  })

  test('nor does a login that gives the password they chose, when it is another by then', async () => {
    const { post, code, verify, slug } = createAccountApp()
    await post('signup', { phone: PHONE, password: PASSWORD })
    await post('signup', { phone: PHONE, password: ATTACKERS })
    const otp = await code()
    expect(await slug(verify(otp, { password: PASSWORD }))).toBe('invalid-credentials')
    expect((await json<TokenAnswer>(verify(otp))).user.hasPassword).toBe(false)
  })

  test('once a number is proven, signing it up again changes nothing', async () => {
    const { post, code, verify, send } = createAccountApp()
    await post('signup', { phone: PHONE, name: 'Ada', password: PASSWORD })
    const { token } = await json<TokenAnswer>(
      verify(await code({ phone: PHONE, password: PASSWORD })),
    )
    expect((await post('signup', { phone: PHONE, name: 'Eve', password: ATTACKERS })).status).toBe(
      202,
    )
    const me = await json<{ name: string; hasPassword: boolean }>(
      send('GET', '/v1/user/me', { token }),
    )
    expect(me).toMatchObject({ name: 'Ada', hasPassword: true })
    expect((await post('send-otp', { phone: PHONE, password: ATTACKERS })).status).toBe(401)
  })

  test('an account nobody proved can do nothing, and is forgotten after a day', async () => {
    const { post, database, clock, services } = createAccountApp()
    await post('signup', { phone: PHONE, password: PASSWORD })
    const forget = services.maintenance.find(({ name }) => name.includes('nobody proved'))
    const count = () => database.sqlite.query('SELECT id FROM users').all().length
    await forget?.run(AbortSignal.any([]))
    expect(count()).toBe(1)
    clock.set(clock.now() + 86_400_001)
    await forget?.run(AbortSignal.any([]))
    expect(count()).toBe(0)
  })
})

test('what was proven when the code was asked for counts only for the password set now', async () => {
  const { post, code, verify, slug, clock } = createAccountApp()
  await post('signup', { phone: PHONE, password: PASSWORD })
  const first = await json<TokenAnswer>(verify(await code({ phone: PHONE, password: PASSWORD })))
  const otp = await code({ phone: PHONE, password: PASSWORD })
  const change = { oldPassword: PASSWORD, newPassword: 'wet lantern under seven oaks' }
  expect((await post('change-password', change, first.token)).status).toBe(204)
  expect(await slug(verify(otp))).toBe('invalid-otp')
  clock.set(clock.now() + 120_000)
  expect(await slug(verify(await code()))).toBe('password-required')
})
