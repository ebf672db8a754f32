import { describe, expect, test } from 'bun:test'
import { DAY, HOUR, MINUTE } from '#src/lib/time.ts'
import { createAccountApp, otherThan, PHONE } from '#test/support/test-accounts.ts'

async function withCode(settings = {}) {
  const app = createAccountApp({ authPerIpMinute: 10_000, otpPerIpHour: 10_000, ...settings })
  await app.post('signup', { phone: PHONE })
  return { ...app, otp: await app.code() }
}

describe('caps', () => {
  test('cooldown: a minute, doubling to ten, told in the answer and kept per purpose', async () => {
    const { post, clock, otp } = await withCode({ otpPerNumberDay: 100 })
    expect(otp).toMatch(/^\d{6}$/)
    for (const minutes of [1, 2, 4, 8, 10, 10]) {
      clock.set(clock.now() + minutes * MINUTE - 1)
      const early = await post('send-otp', { phone: PHONE })
      expect([minutes, early.status, early.headers.get('retry-after')]).toEqual([minutes, 429, '1'])
      clock.set(clock.now() + 1)
      expect([minutes, (await post('send-otp', { phone: PHONE })).status]).toEqual([minutes, 202])
    }
    expect((await post('forgot-password', { phone: PHONE })).status).toBe(202)
  })

  test('five codes per number in ten minutes, however they are asked for', async () => {
    const { post, code, verify, clock } = await withCode({ otpPerNumberDay: 100 })
    // A login makes the next code free of the cooldown.
    for (let sent = 1; sent < 5; sent++) await verify(await code())
    const sixth = await post('forgot-password', { phone: '0049 (30) 90 18 20' })
    expect(sixth.status).toBe(429)
    expect(sixth.headers.get('ratelimit-policy')).toBe('"codes-number";q=5;w=600')
    clock.set(clock.now() + 10 * MINUTE)
    expect((await post('forgot-password', { phone: PHONE })).status).toBe(202)
  })

  test('ten codes per number and day; a restart forgives none', async () => {
    const { post, clock } = await withCode()
    for (let sent = 1; sent < 10; sent++) {
      clock.set(clock.now() + 11 * MINUTE)
      expect((await post('send-otp', { phone: PHONE })).status).toBe(202)
    }
    clock.set(clock.now() + 11 * MINUTE)
    const refused = await post('send-otp', { phone: PHONE })
    expect(refused.status).toBe(429)
    expect(refused.headers.get('ratelimit-policy')).toBe('"codes-number-day";q=10;w=86400')
    clock.set(clock.now() + DAY)
    expect((await post('send-otp', { phone: PHONE })).status).toBe(202)
  })

  test('twenty codes per address and hour, over any numbers', async () => {
    const { post, clock } = createAccountApp()
    const to = (at: number) =>
      post('send-otp', { phone: `+49309018${String(at).padStart(2, '0')}` })
    for (let at = 0; at < 20; at++) expect((await to(at)).status).toBe(202)
    const refused = await to(20)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('ratelimit')).toBe('"codes-ip";r=0;t=3600')
    clock.set(clock.now() + HOUR)
    expect((await to(20)).status).toBe(202)
  })

  test('twenty wrong codes of a number in a day, then it waits, with the wait shown', async () => {
    const { verify, code, otp, clock } = await withCode({ otpPerNumberDay: 100 })
    let last = otp
    for (let wrong = 0; wrong < 20; wrong++) {
      if (wrong > 0 && wrong % 5 === 0) last = await code()
      expect((await verify(otherThan(last, 1 + (wrong % 5)))).status).toBe(401)
    }
    const refused = await verify(last)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(80_000)
    clock.set(clock.now() + DAY)
    expect((await verify(await code())).status).toBe(200)
  })

  test('a global budget holds for all numbers together', async () => {
    const { post } = createAccountApp({ smsHourlyBudget: 3 })
    const to = async (at: number) => {
      await post('signup', { phone: `+493090182${at}` })
      return post('send-otp', { phone: `+493090182${at}` })
    }
    for (let at = 0; at < 3; at++) expect((await to(at)).status).toBe(202)
    expect((await to(3)).status).toBe(429)
  })

  test('numbers of other countries than SMS_COUNTRIES, and costly ones, are refused', async () => {
    const { post } = createAccountApp({ smsCountries: ['DE'] })
    for (const path of ['signup', 'send-otp', 'forgot-password']) {
      expect((await post(path, { phone: '+12025550123' })).status).toBe(422)
      expect((await post(path, { phone: '+499001234567' })).status).toBe(422)
    }
  })

  test('a refused request counts nowhere, so nobody locks anybody out by asking on', async () => {
    const { post, clock } = await withCode()
    for (let at = 0; at < 50; at++) await post('send-otp', { phone: PHONE })
    clock.set(clock.now() + MINUTE)
    expect((await post('send-otp', { phone: PHONE })).status).toBe(202)
  })

  test('no phone number lies in the counters', async () => {
    const { database } = await withCode()
    const rows = database.sqlite.query<{ key: string }, []>('SELECT key FROM rate_limits').all()
    expect(rows.length).toBeGreaterThan(3)
    expect(JSON.stringify(rows)).not.toContain('901820')
  })
})

test('one person, one bucket: every form of a number is the same number', async () => {
  const { post, otp } = await withCode({ defaultCountry: 'DE' })
  const forms = ['+49 30 901820', '0049 30 901820', '030 / 90 18 20', '＋４９30901820']
  for (const phone of forms) {
    expect([phone, (await post('send-otp', { phone })).status]).toEqual([phone, 429])
  }
  expect((await post('verify-otp', { phone: forms[2], otp })).status).toBe(200)
})
