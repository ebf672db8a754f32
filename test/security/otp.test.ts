import { describe, expect, test } from 'bun:test'
import { MINUTE } from '#src/lib/time.ts'
import { createCodes } from '#src/modules/auth/codes.ts'
import { createAccountApp, otherThan, PHONE, UNUSED_PHONE } from '#test/support/test-accounts.ts'

async function withCode(settings = {}) {
  const app = createAccountApp({ authPerIpMinute: 10_000, otpPerIpHour: 10_000, ...settings })
  await app.post('signup', { phone: PHONE })
  return { ...app, otp: await app.code() }
}

const statuses = async (answers: Promise<Response>[]) =>
  (await Promise.all(answers)).map(({ status }) => status)

describe('a code', () => {
  test('brute force: after five wrong ones the right one is refused', async () => {
    const { verify, otp } = await withCode()
    for (let by = 1; by <= 5; by++) expect((await verify(otherThan(otp, by))).status).toBe(401)
    expect((await verify(otp)).status).toBe(401)
  })

  test('four wrong ones leave the right one good', async () => {
    const { verify, otp } = await withCode()
    for (let by = 1; by <= 4; by++) await verify(otherThan(otp, by))
    expect((await verify(otp)).status).toBe(200)
  })

  test('parallel wrong: 200 guesses at once get five tries together', async () => {
    const { verify, otp, database } = await withCode()
    const wrong = Array.from({ length: 200 }, (_, by) => verify(otherThan(otp, by + 1)))
    expect(new Set(await statuses(wrong))).toEqual(new Set([401]))
    const row = database.sqlite
      .query<{ tries: number }, []>('SELECT tries FROM otp_challenges')
      .get()
    expect(row?.tries).toBe(5)
    expect((await verify(otp)).status).toBe(401)
  })

  test('parallel right: 50 at once log in once', async () => {
    const { verify, otp, database } = await withCode()
    const answers = await statuses(Array.from({ length: 50 }, () => verify(otp)))
    expect(answers.filter((status) => status === 200)).toHaveLength(1)
    expect(answers.filter((status) => status === 401)).toHaveLength(49)
    expect(database.sqlite.query('SELECT id FROM sessions').all()).toHaveLength(1)
  })

  test('replay: a used one is refused', async () => {
    const { verify, otp } = await withCode()
    expect((await verify(otp)).status).toBe(200)
    expect((await verify(otp)).status).toBe(401)
  })

  test('expiry: good a millisecond before five minutes, not at five minutes', async () => {
    for (const [ms, status] of [
      [5 * MINUTE - 1, 200],
      [5 * MINUTE, 401],
    ] as const) {
      const { verify, otp, clock } = await withCode()
      clock.set(clock.now() + ms)
      expect((await verify(otp)).status).toBe(status)
    }
  })

  test('resend: a later code kills the one before', async () => {
    const { verify, otp, code } = await withCode()
    const next = await code()
    expect(next).not.toBe(otp)
    expect((await verify(otp)).status).toBe(401)
    expect((await verify(next)).status).toBe(200)
  })

  test('cross-user: good for the number it was sent to alone', async () => {
    const { post, otp } = await withCode()
    await post('signup', { phone: UNUSED_PHONE })
    await post('send-otp', { phone: UNUSED_PHONE })
    expect((await post('verify-otp', { phone: UNUSED_PHONE, otp })).status).toBe(401)
  })

  test('cross-purpose: a login code resets no password, a reset code logs nobody in', async () => {
    const { post, verify, otp, code } = await withCode()
    const reset = await code({ phone: PHONE }, 'forgot-password')
    const newPassword = 'seven oaks under a lantern'
    const crossed = await post('reset-password', { phone: PHONE, otp, newPassword })
    expect(crossed.status).toBe(reset === otp ? 204 : 401)
    expect((await verify(reset)).status).toBe(401)
  })

  test('every odd type and form that is no six digits is refused without spending a try', async () => {
    const { verify, otp, database } = await withCode()
    const odd = [
      ...[Number(otp), [otp], { otp }, null, true, '', ' ', `${otp}x`, `${otp},${otp}`, `½${otp}`],
      ...[`+${otp}`, `${otp}0`, otp.slice(1), `${otp}\0`, '0x1234', '1e5000', 'Ⅰ23456', '①②③④⑤⑥'],
      ...[
        ['%', '%'],
        { $ne: '' },
        `' OR 1=1 --`,
        '______',
        `${otp}${' '.repeat(60)}`,
        '一二三四五六',
      ],
    ]
    for (const form of odd) expect([form, (await verify(form)).status]).toEqual([form, 422])
    const row = database.sqlite
      .query<{ tries: number }, []>('SELECT tries FROM otp_challenges')
      .get()
    expect(row?.tries).toBe(0)
    expect((await verify(otp)).status).toBe(200)
  })

  test('is drawn evenly from a million, zero-padded', () => {
    const key = new Uint8Array(32)
    const asked: number[] = []
    const codes = createCodes([key], (below) => {
      asked.push(below)
      return 7
    })
    expect(codes.make()).toBe('000007')
    expect(asked).toEqual([1_000_000])
  })

  test('its digest differs by purpose, challenge, phone and key', () => {
    const codes = createCodes([new Uint8Array(32)], () => 0)
    const binding = { purpose: 'login', challengeId: 'a', phone: PHONE } as const
    const digests = [
      codes.digest(binding, '000000'),
      codes.digest({ ...binding, purpose: 'reset' }, '000000'),
      codes.digest({ ...binding, challengeId: 'b' }, '000000'),
      codes.digest({ ...binding, phone: UNUSED_PHONE }, '000000'),
      createCodes([new Uint8Array(32).fill(1)], () => 0).digest(binding, '000000'),
    ]
    expect(new Set(digests).size).toBe(digests.length)
    expect(codes.matches(binding, '000000', digests[0] ?? '')).toBe(true)
    for (const other of digests.slice(1))
      expect(codes.matches(binding, '000000', other)).toBe(false)
  })
})
