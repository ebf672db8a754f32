import { describe, expect, test } from 'bun:test'
import { MINUTE } from '#src/lib/time.ts'
import { createOwnerAndStranger } from '#test/support/networks.ts'
import { otherThan, PASSWORD, PHONE } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

const NEW_PASSWORD = 'wet lantern under seven oaks'

describe('the challengeId', () => {
  test('binds the code: a code is right only with the id of its own challenge', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger()
    await using _ = networks
    const owners = await ask(owner)
    const strangers = await ask(stranger)
    const crossed = [
      { otp: owners.otp, challengeId: strangers.challengeId },
      { otp: strangers.otp, challengeId: owners.challengeId },
      { otp: owners.otp, challengeId: '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13' },
      { otp: owners.otp, challengeId: '%' },
    ]
    for (const body of crossed) expect(await slug(logIn(stranger, body))).toBe('invalid-otp')
    const { otp, challengeId } = owners
    expect(await slug(logIn(owner, { otp, challengeId }))).toBe(200)
  })

  test('stays good when a stranger asks for a code in between, and after five wrong tries of theirs', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger()
    await using _ = networks
    for (const withId of [true, false]) {
      const { otp, challengeId } = await ask(owner)
      const strangers = await ask(stranger)
      for (let by = 1; by <= 6; by++) {
        await logIn(stranger, { ...strangers, otp: otherThan(strangers.otp, by) })
      }
      expect(await slug(logIn(owner, { otp, ...(withId ? { challengeId } : {}) }))).toBe(200)
    }
  })

  test('without it, a stranger at another address cannot use up the five tries', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger()
    await using _ = networks
    for (const withId of [true, false]) {
      const { otp, challengeId } = await ask(owner)
      for (let by = 1; by <= 10; by++) await logIn(stranger, { otp: otherThan(otp, by) })
      const more = withId ? { challengeId } : {}
      expect(await slug(logIn(owner, { otp: otherThan(otp), ...more }))).toBe('invalid-otp')
      expect(await slug(logIn(owner, { otp, ...more }))).toBe(200)
    }
  })

  test('without it, the code works from another address too: a phone changes networks', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger()
    await using _ = networks
    const { otp } = await ask(owner)
    expect(await slug(logIn(stranger, { otp }))).toBe(200)
  })

  test('a resend of the same client ends the code before, with and without the id', async () => {
    const { networks, owner, ask, slug, logIn } = await createOwnerAndStranger()
    await using _ = networks
    const { otp, challengeId } = await ask(owner)
    const next = await ask(owner)
    expect(await slug(logIn(owner, { otp, challengeId }))).toBe('invalid-otp')
    if (otp !== next.otp) expect(await slug(logIn(owner, { otp }))).toBe('invalid-otp')
    expect(await slug(logIn(owner, { otp: next.otp, challengeId: next.challengeId }))).toBe(200)
  })

  test('a login ends every other code of the number', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger()
    await using _ = networks
    const one = await ask(owner)
    const other = await ask(stranger)
    expect(await slug(logIn(owner, { otp: one.otp, challengeId: one.challengeId }))).toBe(200)
    const { otp, challengeId } = other
    expect(await slug(logIn(stranger, { otp, challengeId }))).toBe('invalid-otp')
  })

  test('parallel: right codes of two challenges log in once', async () => {
    const { networks, owner, stranger, ask, logIn } = await createOwnerAndStranger()
    await using _ = networks
    const one = await ask(owner)
    const other = await ask(stranger)
    const proofs = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? one : other))
    const answers = await Promise.all(
      proofs.map(({ otp, challengeId }) => logIn(owner, { otp, challengeId })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('of another purpose or number is as wrong as none', async () => {
    const { networks, owner, ask, slug, logIn } = await createOwnerAndStranger()
    await using _ = networks
    const reset = await ask(owner, 'forgot-password')
    const { otp, challengeId } = reset
    expect(await slug(logIn(owner, { otp, challengeId }))).toBe('invalid-otp')
    const other = { phone: '+4930901829', otp, challengeId, newPassword: NEW_PASSWORD }
    expect(await slug(owner('reset-password', other))).toBe('invalid-otp')
    const right = { ...other, phone: PHONE }
    expect(await slug(owner('reset-password', right))).toBe(204)
  })

  test('protects a reset and a password change in the same way', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger()
    await using _ = networks
    const login = await ask(owner)
    const { token } = await json<{ token: string }>(
      logIn(owner, { otp: login.otp, challengeId: login.challengeId }),
    )
    const mine = await ask(owner, 'forgot-password')
    const theirs = await ask(stranger, 'forgot-password')
    const change = { newPassword: PASSWORD, passwordChangeOTP: mine.otp }
    const crossed = { ...change, challengeId: theirs.challengeId }
    expect(await slug(owner('change-password', crossed, token))).toBe('wrong-otp')
    const right = { ...change, challengeId: mine.challengeId }
    expect(await slug(owner('change-password', right, token))).toBe(204)
    // A changed password ends what strangers asked for.
    const { otp, challengeId } = theirs
    const reset = { phone: PHONE, otp, challengeId, newPassword: NEW_PASSWORD }
    expect(await slug(stranger('reset-password', reset))).toBe('invalid-otp')
  })
})

describe('the password given with the request for a code', () => {
  test('counts with the challengeId from anywhere, without it from the same network only', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger({
      password: true,
    })
    await using _ = networks
    const first = await ask(owner, 'send-otp', { password: PASSWORD })
    expect(await slug(logIn(stranger, { otp: first.otp }))).toBe('password-required')
    const { otp, challengeId } = first
    expect(await slug(logIn(stranger, { otp, challengeId }))).toBe(200)
    const second = await ask(owner, 'send-otp', { password: PASSWORD })
    expect(await slug(logIn(owner, { otp: second.otp }))).toBe(200)
  })

  test('is not the stranger’s: what the owner proved is not lent to another challenge', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger({
      password: true,
    })
    await using _ = networks
    await ask(owner, 'send-otp', { password: PASSWORD })
    const { otp, challengeId } = await ask(stranger)
    expect(await slug(logIn(stranger, { otp, challengeId }))).toBe('password-required')
    expect(await slug(logIn(stranger, { otp }))).toBe('password-required')
  })

  test('wrong: 202, then invalid-credentials once the code is right, then password-required', async () => {
    const { networks, owner, ask, slug, logIn, database } = await createOwnerAndStranger({
      password: true,
    })
    await using _ = networks
    const { otp, challengeId } = await ask(owner, 'send-otp', { password: 'not the right one' })
    const wrong = () =>
      database.sqlite.query("SELECT count FROM rate_limits WHERE key LIKE 'wrong-passwords%'").all()
    const otherCode = otherThan(otp)
    expect(await slug(logIn(owner, { otp: otherCode, challengeId }))).toBe('invalid-otp')
    expect(wrong()).toEqual([])
    expect(await slug(logIn(owner, { otp, challengeId }))).toBe('invalid-credentials')
    expect(wrong()).toEqual([{ count: 1 }])
    for (let at = 0; at < 6; at++) {
      expect(await slug(logIn(owner, { otp, challengeId }))).toBe('password-required')
    }
    expect(wrong()).toEqual([{ count: 1 }])
    expect(await slug(logIn(owner, { otp, challengeId, password: PASSWORD }))).toBe(200)
  })

  test('of a stranger’s request is not held against an owner who types the code', async () => {
    const { networks, owner, stranger, ask, slug, logIn } = await createOwnerAndStranger({
      password: true,
    })
    await using _ = networks
    const { otp } = await ask(stranger, 'send-otp', { password: 'not the right one' })
    expect(await slug(logIn(owner, { otp }))).toBe('password-required')
    expect(await slug(logIn(owner, { otp, password: PASSWORD }))).toBe(200)
  })

  test('is never judged by send-otp, whatever comes before it', async () => {
    const { networks, owner, stranger, clock } = await createOwnerAndStranger({ password: true })
    await using _ = networks
    const passwords = [PASSWORD, 'not the right one', 'x', undefined]
    for (const password of [...passwords, ...passwords.toReversed()]) {
      for (const phone of [PHONE, '+4930901829']) {
        const body = password === undefined ? { phone } : { phone, password }
        const answer = await stranger('send-otp', body)
        expect(answer.status).toBe(202)
        expect(Object.keys(await json<object>(answer))).toEqual([
          ...['message', 'challengeId', 'expiresAt', 'resendAt', 'otp'],
        ])
      }
      await owner('signup', { phone: '+4930901829', password: PASSWORD })
      await clock.advance(11 * MINUTE)
    }
  })
})
