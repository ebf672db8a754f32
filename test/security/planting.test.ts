import { describe, expect, test } from 'bun:test'
import { createOwnerAndStranger } from '#test/support/networks.ts'
import { createAccountApp, PASSWORD, PHONE, type TokenAnswer } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

const ATTACKERS = 'a password of somebody else'

type App = Pick<ReturnType<typeof createAccountApp>, 'challenge' | 'verify'>

/** Logs in with the right password, and is refused with the attacker's. */
async function isThePassword(password: string, { challenge, verify }: App) {
  const proof = await challenge()
  expect((await verify(proof.otp, { ...proof, password: ATTACKERS })).status).toBe(401)
  expect((await verify(proof.otp, { ...proof, password })).status).toBe(200)
}

describe('signing up somebody else’s number plants no password', () => {
  test('before they sign up: theirs replaces it', async () => {
    const { post, challenge, verify } = createAccountApp()
    await post('signup', { phone: PHONE, password: ATTACKERS })
    await post('signup', { phone: PHONE, password: PASSWORD })
    const { otp, ...handle } = await challenge({ phone: PHONE, password: PASSWORD })
    expect((await json<TokenAnswer>(verify(otp, handle))).user.hasPassword).toBe(true)
    await isThePassword(PASSWORD, { challenge, verify })
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
    const { post, challenge, verify } = createAccountApp()
    await post('signup', { phone: PHONE, password: PASSWORD })
    const { otp, ...handle } = await challenge({ phone: PHONE, password: PASSWORD })
    await post('signup', { phone: PHONE, password: ATTACKERS })
    expect((await verify(otp, handle)).status).toBe(200)
    await isThePassword(PASSWORD, { challenge, verify })
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
    const { post, challenge, verify, send } = createAccountApp()
    await post('signup', { phone: PHONE, name: 'Ada', password: PASSWORD })
    const { otp, ...handle } = await challenge({ phone: PHONE, password: PASSWORD })
    const { token } = await json<TokenAnswer>(verify(otp, handle))
    expect((await post('signup', { phone: PHONE, name: 'Eve', password: ATTACKERS })).status).toBe(
      202,
    )
    const me = await json<{ name: string; hasPassword: boolean }>(
      send('GET', '/v1/user/me', { token }),
    )
    expect(me).toMatchObject({ name: 'Ada', hasPassword: true })
    await isThePassword(PASSWORD, { challenge, verify })
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
  const { post, code, verify, slug, clock, logInWithPassword } = createAccountApp()
  const first = await logInWithPassword()
  const otp = await code({ phone: PHONE, password: PASSWORD })
  const change = { oldPassword: PASSWORD, newPassword: 'wet lantern under seven oaks' }
  expect((await post('change-password', change, first.token)).status).toBe(204)
  expect(await slug(verify(otp))).toBe('invalid-otp')
  clock.set(clock.now() + 120_000)
  expect(await slug(verify(await code()))).toBe('password-required')
})

describe('a first login', () => {
  const first = async () => {
    const app = await createOwnerAndStranger()
    await app.owner('signup', { phone: PHONE, password: PASSWORD })
    const hasPassword = async (answer: Promise<Response>) =>
      (await json<{ user: { hasPassword: boolean } }>(answer)).user.hasPassword
    return { ...app, hasPassword }
  }

  test('with the id of the send-otp that carried the sign-up’s password adopts it', async () => {
    const { networks, owner, ask, logIn, hasPassword } = await first()
    await using _ = networks
    const { otp, challengeId } = await ask(owner, 'send-otp', { password: PASSWORD })
    expect(await hasPassword(logIn(owner, { otp, challengeId }))).toBe(true)
  })

  test('with the password beside the code adopts it', async () => {
    const { networks, owner, ask, logIn, hasPassword } = await first()
    await using _ = networks
    const { otp } = await ask(owner)
    expect(await hasPassword(logIn(owner, { otp, password: PASSWORD }))).toBe(true)
  })

  test('from the same network without the id succeeds and leaves no password', async () => {
    const { networks, owner, ask, logIn, hasPassword } = await first()
    await using _ = networks
    const { otp } = await ask(owner, 'send-otp', { password: PASSWORD })
    expect(await hasPassword(logIn(owner, { otp }))).toBe(false)
  })

  test('with the id of a send-otp that carried another password leaves none', async () => {
    const { networks, owner, ask, logIn, hasPassword } = await first()
    await using _ = networks
    const { otp, challengeId } = await ask(owner, 'send-otp', { password: 'not the right one' })
    expect(await hasPassword(logIn(owner, { otp, challengeId }))).toBe(false)
  })

  test('of an owner who types the code of a stranger’s challenge plants nothing', async () => {
    const { networks, owner, stranger, ask, logIn, hasPassword } = await first()
    await using _ = networks
    const password = 'a password of a stranger'
    await stranger('signup', { phone: PHONE, password })
    const { otp } = await ask(stranger, 'send-otp', { password })
    expect(await hasPassword(logIn(owner, { otp }))).toBe(false)
  })

  test('in the shared network of an attacker plants nothing either', async () => {
    const { networks, owner, ask, logIn, hasPassword } = await first()
    await using _ = networks
    const password = 'a password of a stranger'
    await owner('signup', { phone: PHONE, password })
    const { otp } = await ask(owner, 'send-otp', { password })
    expect(await hasPassword(logIn(owner, { otp }))).toBe(false)
  })
})

test('the prototype’s collection logs in: signup and send-otp with a password, verify-otp without an id', async () => {
  const { networks, owner, ask, logIn } = await createOwnerAndStranger()
  await using _ = networks
  const password = PASSWORD
  const newPassword = 'wet lantern under seven oaks'
  await owner('signup', { phone: PHONE, name: 'Ada', password })
  let token = ''
  for (let login = 0; login < 2; login++) {
    const { otp } = await ask(owner, 'send-otp', { name: 'Ada', password })
    const answer = await logIn(owner, { otp })
    expect(answer.status).toBe(200)
    token = (await json<TokenAnswer>(answer)).token
  }
  const code = await ask(owner, 'forgot-password')
  const change = { newPassword, confNewPassword: newPassword, passwordChangeOTP: code.otp }
  const elses = { ...change, phone: '+4930901829' }
  expect((await owner('change-password', elses, token)).status).toBe(422)
  expect((await owner('change-password', { ...change, phone: PHONE }, token)).status).toBe(204)
  const { otp } = await ask(owner, 'send-otp', { name: 'Ada', password: newPassword })
  expect((await logIn(owner, { otp })).status).toBe(200)
})
