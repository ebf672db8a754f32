import { describe, expect, test } from 'bun:test'
import { DAY, MINUTE } from '#src/lib/time.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { BEHIND_PROXY, createOwnerAndStranger, listen } from '#test/support/networks.ts'
import { createAccountApp, otherThan, PASSWORD, PHONE } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

const WRONG_CODES = '"wrong-codes";q=20;w=86400'

describe('wrong codes', () => {
  /** The stranger asks for codes and types wrong ones, up to 20 or as far as the limits let them. */
  async function exhaust({
    ask,
    logIn,
    stranger,
  }: Awaited<ReturnType<typeof createOwnerAndStranger>>) {
    let refused = 0
    while (refused < 20) {
      const { otp, challengeId } = await ask(stranger)
      for (let by = 1; by <= 5; by++) {
        const answer = await logIn(stranger, { otp: otherThan(otp, by), challengeId })
        if (answer.status === 401) refused++
      }
    }
    return refused
  }

  test('of a stranger on challenges of their own do not lock out an owner who logged in before', async () => {
    const app = await createOwnerAndStranger()
    await using _ = app.networks
    const { owner, stranger, ask, logIn, slug, clock } = app
    await logIn(owner, { otp: (await ask(owner)).otp })
    expect(await exhaust(app)).toBe(20)
    // Past the wait for the next code.
    await clock.advance(10 * MINUTE)
    const waits = await stranger('send-otp', { phone: PHONE })
    expect([waits.status, waits.headers.get('ratelimit-policy')]).toEqual([429, WRONG_CODES])
    expect(Number(waits.headers.get('retry-after'))).toBeGreaterThan(DAY / 1_000 - 3_600)
    for (const withId of [true, false]) {
      const { otp, challengeId } = await ask(owner)
      expect(await slug(logIn(owner, { otp, ...(withId ? { challengeId } : {}) }))).toBe(200)
    }
    const reset = await ask(owner, 'forgot-password')
    const body = { phone: PHONE, otp: reset.otp, newPassword: PASSWORD }
    expect(await slug(owner('reset-password', body))).toBe(204)
  })

  test.each([
    [89, 202],
    [91, 429],
  ])(
    '%i days after the last login from a network, the owner’s request there is %i',
    async (days, status) => {
      const app = await createOwnerAndStranger()
      await using _ = app.networks
      await app.logIn(app.owner, { otp: (await app.ask(app.owner)).otp })
      await app.clock.advance(days * DAY)
      expect(await exhaust(app)).toBe(20)
      await app.clock.advance(10 * MINUTE)
      expect((await app.owner('send-otp', { phone: PHONE })).status).toBe(status)
    },
  )

  test('of a stranger who names no challenge do not lock the owner’s network out', async () => {
    const app = await createOwnerAndStranger()
    await using _ = app.networks
    const { owner, stranger, ask, logIn, slug, database } = app
    await logIn(owner, { otp: (await ask(owner)).otp })
    // Each of the owner's codes loses three tries to the stranger; eight codes are more than the day's 20.
    for (let round = 0; round < 8; round++) {
      const { otp } = await ask(owner)
      for (let by = 1; by <= 5; by++) await logIn(stranger, { otp: otherThan(otp, by) })
    }
    const { otp } = await ask(owner)
    expect(await slug(logIn(owner, { otp }))).toBe(200)
    const counts = database.sqlite.query<{ count: number }, []>(
      "SELECT count FROM rate_limits WHERE key LIKE 'wrong-codes%'",
    )
    // All of them the strangers' count, and never more than a day has.
    expect(counts.all()).toEqual([{ count: 20 }])
  })

  test('of a deletion, as a stolen token can make, do not count for the owner’s next login', async () => {
    const app = await createOwnerAndStranger({ accessTtlMinutes: 600 })
    await using _ = app.networks
    const { owner, ask, logIn, slug, networks, clock } = app
    const { otp, challengeId } = await ask(owner)
    const { token } = await json<{ token: string }>(logIn(owner, { otp, challengeId }))
    for (let round = 0; round < 4; round++) {
      await clock.advance(11 * MINUTE)
      const path = '/v1/user/me/deletion-code'
      const sent = await json<CodeSent>(networks.request('192.0.2.7', 'POST', path, { token }))
      for (let by = 1; by <= 5; by++) {
        const body = { otp: otherThan(sent.otp ?? '', by), challengeId: sent.challengeId }
        const refused = await networks.request('192.0.2.7', 'DELETE', '/v1/user/me', {
          token,
          body,
        })
        expect(refused.status).toBe(403)
      }
    }
    await clock.advance(11 * MINUTE)
    expect(await slug(logIn(owner, { otp: (await ask(owner)).otp }))).toBe(200)
  })

  test('of a stranger cannot take the tries of a challenge that is already open', async () => {
    const app = await createOwnerAndStranger()
    await using _ = app.networks
    const { owner, stranger, ask, logIn, slug, clock } = app
    // Of a new number: nothing says which of the two is its owner. Three quarters of the day's tries are gone.
    for (let round = 0; round < 3; round++) {
      const { otp, challengeId } = await ask(stranger)
      for (let by = 1; by <= 5; by++) {
        await logIn(stranger, { otp: otherThan(otp, by), challengeId })
      }
    }
    const mine = await ask(owner)
    await clock.advance(4 * MINUTE)
    // All that is left is reserved for the owner.
    const refused = await stranger('forgot-password', { phone: PHONE })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
    const { otp, challengeId } = mine
    for (let by = 1; by <= 4; by++) {
      const wrong = { otp: otherThan(otp, by), challengeId }
      expect(await slug(logIn(owner, wrong))).toBe('invalid-otp')
    }
    expect(await slug(logIn(owner, { otp, challengeId }))).toBe(200)
  })

  test('are bounded over all networks and purposes together: 20 a day', async () => {
    const app = createAccountApp({ ...BEHIND_PROXY, otpPerNumberDay: 1_000 })
    await using networks = listen(app)
    await networks.from('198.51.100.1')('signup', { phone: PHONE })
    let wrong = 0
    for (let at = 0; at < 60; at++) {
      const attacker = networks.from(`203.0.113.${at}`)
      const path = at % 2 === 0 ? 'send-otp' : 'forgot-password'
      const answer = await attacker(path, { phone: PHONE })
      if (answer.status === 202) {
        const { otp = '', challengeId } = await json<CodeSent>(answer)
        for (let by = 1; by <= 6; by++) {
          const guess = { phone: PHONE, otp: otherThan(otp, by), challengeId }
          const tried =
            path === 'send-otp'
              ? await attacker('verify-otp', guess)
              : await attacker('reset-password', { ...guess, newPassword: PASSWORD })
          if (tried.status === 401 && by <= 5) wrong++
        }
      }
      await app.clock.advance(11 * MINUTE)
    }
    expect(wrong).toBeLessThanOrEqual(20)
    const counts = app.database.sqlite.query<{ count: number }, []>(
      "SELECT count FROM rate_limits WHERE key LIKE 'wrong-codes%'",
    )
    expect(counts.all()).toEqual([{ count: 20 }])
  })

  test('count for a deletion apart from those that strangers can make', async () => {
    const app = await createOwnerAndStranger()
    await using _ = app.networks
    const { owner, ask, logIn, networks, clock } = app
    const { otp, challengeId } = await ask(owner)
    const { token } = await json<{ token: string }>(logIn(owner, { otp, challengeId }))
    await exhaust(app)
    await clock.advance(10 * MINUTE)
    const path = '/v1/user/me/deletion-code'
    const sent = await json<CodeSent>(networks.request('198.51.100.1', 'POST', path, { token }))
    const proof = { otp: sent.otp, challengeId: sent.challengeId }
    // From another network too: the code is the user's.
    const removal = { token, body: proof }
    const removed = await networks.request('192.0.2.7', 'DELETE', '/v1/user/me', removal)
    expect(removed.status).toBe(202)
  })
})

describe('wrong passwords', () => {
  test('of a stranger, however many, count nowhere: the owner logs in', async () => {
    const app = await createOwnerAndStranger({ password: true })
    await using _ = app.networks
    const { owner, stranger, ask, logIn, slug, database } = app
    for (let at = 0; at < 25; at++) {
      const { otp, challengeId } = await ask(stranger, 'send-otp', { password: `wrong ${at}` })
      if (at < 2) {
        await logIn(stranger, { otp: otherThan(otp), challengeId, password: `wrong ${at}` })
      }
    }
    const counted = database.sqlite.query("SELECT 1 FROM rate_limits WHERE key LIKE 'wrong-p%'")
    expect(counted.all()).toEqual([])
    const { otp } = await ask(owner, 'send-otp', { password: PASSWORD })
    expect(await slug(logIn(owner, { otp }))).toBe(200)
  })
})

test('an IPv6 customer gets four times the codes of a /64 per /56 and sixteen times per /48', async () => {
  const app = createAccountApp({ ...BEHIND_PROXY, otpPerIpHour: 2, smsHourlyBudget: 10_000 })
  await using networks = listen(app)
  let numbers = 0
  const ask = async (network: string) => {
    const phone = `+4930901${String(numbers++).padStart(4, '0')}`
    const answer = await networks.from(`${network}::1`)('send-otp', { phone })
    return answer.status === 202 ? 202 : answer.headers.get('ratelimit-policy')
  }
  const askAll = async (networksOf: (at: number) => string, count: number) => {
    const answers: (string | number | null)[] = []
    for (let at = 0; at < count; at++) answers.push(await ask(networksOf(at)))
    return answers
  }
  const hex = (at: number) => at.toString(16).padStart(2, '0')
  // Of one /64, then of one /56, then of all /56 of one /48.
  expect(await askAll(() => '2001:db8:0:0', 3)).toEqual([202, 202, '"codes-ip";q=2;w=3600'])
  const of56 = await askAll((at) => `2001:db8:0:${at + 1}`, 7)
  expect(of56.filter((one) => one === 202)).toHaveLength(6)
  expect(of56.at(-1)).toBe('"codes-ip-56";q=8;w=3600')
  const of48 = await askAll((at) => `2001:db8:0:${hex(at + 1)}00`, 25)
  expect(of48.filter((one) => one === 202)).toHaveLength(24)
  expect(of48.at(-1)).toBe('"codes-ip-48";q=32;w=3600')
  expect(await ask('2001:db8:1:0')).toBe(202)
})
