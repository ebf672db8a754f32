import { expect, test } from 'bun:test'
import { parsePhone } from '#src/lib/phone.ts'
import { MINUTE } from '#src/lib/time.ts'
import { readCode } from '#src/lib/typed-code.ts'
import { createAccountApp, PHONE } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

/** `042137` in the digits that begin at a code point. */
const inDigitsFrom = (zero: number) =>
  [...'042137'].map((digit) => String.fromCodePoint(zero + Number(digit))).join('')

test.each([
  ['as sent', '042137'],
  ['with blanks around', ' 042137\t\n'],
  ['in groups', '042 137'],
  ['in groups, no-break', '042\u00a0137'],
  ['in groups, thin', '042\u202f137'],
  ['with hyphens', '042-137'],
  ['with a non-breaking hyphen', '042\u2011137'],
  ['with a long dash', '042—137'],
  ['with a minus sign', '042−137'],
  ['with dots', '0.4.2.1.3.7'],
  ['with directional marks', '\u200e042137\u200f'],
  ['within an embedding', '\u202a042137\u202c'],
  ['within an isolate', '\u2066042137\u2069'],
  ['with zero-width marks', '042\u200b\u200d\u2060137\ufeff'],
  ['with a soft hyphen', '042\u00ad137'],
  ['as keycaps', '0\ufe0f\u20e34\ufe0f\u20e32\ufe0f\u20e31\ufe0f\u20e33\ufe0f\u20e37\ufe0f\u20e3'],
  ['full-width', inDigitsFrom(0xff10)],
  ['Arabic-Indic', inDigitsFrom(0x660)],
  ['Persian', inDigitsFrom(0x6f0)],
  ['Devanagari', inDigitsFrom(0x966)],
  ['Bengali', inDigitsFrom(0x9e6)],
  ['Thai', inDigitsFrom(0xe50)],
  ['Myanmar', inDigitsFrom(0x1040)],
  ['Khmer', inDigitsFrom(0x17e0)],
  ['Tai Tham Tham, which follow other digits', inDigitsFrom(0x1a90)],
  ['mathematical bold', inDigitsFrom(0x1d7ce)],
  ['mathematical monospace', inDigitsFrom(0x1d7f6)],
  ['Adlam', inDigitsFrom(0x1e950)],
  ['segmented', inDigitsFrom(0x1fbf0)],
  ['of two scripts', `٠٤٢${'137'}`],
])('a code %s is the same code', (_, typed) => {
  expect(readCode(typed, 6)).toBe('042137')
})

test.each([
  '',
  '42137',
  '0421370',
  '042137x',
  '+042137',
  '0x2137',
  '①②③④⑤⑥',
  '一二三四五六',
  '½42137',
])('a code %p is none', (typed) => {
  expect(readCode(typed, 6)).toBeUndefined()
})

test.each([
  '+44 20 7946 0958',
  '\u200e+44 20 7946 0958',
  '\u200f+44 20 7946 0958\u200f',
  '\u202a+44 20 7946 0958\u202c',
  '\u202d+44 20 7946 0958\u202c',
  '\u202e+442079460958',
  '\u2066+44 20 7946 0958\u2069',
  '\u2067+44\u2069 20\u00a07946\u202f0958',
  '\ufeff+44\u200b20\u200c7946\u200d0958\u2060',
  '+44\u00ad20 7946 0958',
  '+44–20‑7946−0958',
  '+44.20.7946.0958',
  '(+44) 20 7946 0958',
  '(+44)20 7946 0958',
  '( +44 ) 20 7946 0958',
  '(0044) 20 7946 0958',
  '0044 20 7946 0958',
  '+(44) 20 7946 0958',
  '+44 (0)20 7946 0958',
  'tel:+44-20-7946-0958',
  'TEL:+442079460958',
  'tel: +44 20 7946 0958',
  'tel:020-7946-0958;phone-context=+44',
  '＋４４２０７９４６０９５８',
  '﹢44 20 7946 0958',
  '+٤٤ ٢٠٧٩٤٦٠٩٥٨',
  '+۴۴ ۲۰ ۷۹۴۶ ۰۹۵۸',
  '+৪৪২০৭৯৪৬০৯৫৮',
])('a number pasted as %p is +442079460958', (typed) => {
  expect(parsePhone(typed)?.e164).toBe('+442079460958')
})

test.each([
  'tel:+44-20-7946-0958;ext=12',
  '+44 20 7946 0958 ext 5',
  '+44 20 7946 0958x',
  'tel:',
  '\u200e',
])('a number pasted as %p is none', (typed) => {
  expect(parsePhone(typed)).toBeUndefined()
})

test.each([
  [
    '+5491123456789',
    undefined,
    ['+54 9 11 2345-6789', '+54 11 15 2345-6789', '+54 11 2345-6789', '+54 (011) 15 2345 6789'],
  ],
  ['+5491123456789', 'AR', ['011 15 2345-6789', '11 2345 6789', '9 11 2345 6789']],
  ['+5493511234567', 'AR', ['0351 15 123-4567', '+54 351 123 4567', '+54 9 351 123 4567']],
  [
    '+525512345678',
    undefined,
    ['+52 1 55 1234 5678', '+52 55 1234 5678', '+52 044 55 1234 5678', '+52 045 55 1234 5678'],
  ],
  [
    '+5511981234567',
    undefined,
    ['+55 11 98123-4567', '+55 11 8123-4567', '+55 (11) 8123 4567', '+55 011 98123-4567'],
  ],
  ['+5511981234567', 'BR', ['11 8123-4567', '(11) 98123-4567', '0 15 11 98123-4567']],
  // Fixed lines of Brazil begin with 2 to 5, and have no ninth digit.
  ['+551131234567', undefined, ['+55 11 3123-4567', '+55 011 3123-4567']],
  // The 0 of calls within the country, where the parser leaves it in.
  ['+56961234567', undefined, ['+56 9 6123 4567', '+56 09 6123 4567', '+56 (0) 9 6123 4567']],
  ['+573211234567', undefined, ['+57 321 123 4567', '+57 0 321 123 4567']],
  ['+61412345678', undefined, ['+61 412 345 678', '+61 0412 345 678', '+61 1831 0412 345 678']],
  // In Italy it is part of the number.
  ['+390669812345', undefined, ['+39 06 698 12345']],
  [
    '+525512345678',
    'MX',
    ['55 1234 5678', '1 55 1234 5678', '044 55 1234 5678', '01 55 1234 5678'],
  ],
])('one handset, one account: %s from %p however it is written', (e164, country, spellings) => {
  for (const typed of spellings)
    expect([typed, parsePhone(typed, country)?.e164]).toEqual([typed, e164])
})

test('in every place that takes a code, a typed one counts and spends no try for its form', async () => {
  const { post, challenge, logInWithPassword, send, clock } = createAccountApp()
  const phone = '\u202a(+49) 30 90-18-20\u202c'
  const form = (otp: string) => `\u2066 ${otp.slice(0, 3)} - ${otp.slice(3)} \u2069`
  const { token } = await logInWithPassword()
  const login = await challenge({ phone })
  const { challengeId } = login
  expect(
    (
      await post('verify-otp', {
        phone,
        challengeId,
        otp: form(login.otp),
        password: 'seven oaks under a lantern',
      })
    ).status,
  ).toBe(200)
  const reset = await challenge({ phone }, 'forgot-password')
  const oldPassword = 'seven oaks under a lantern'
  const newPassword = 'wet lantern under seven oaks'
  const change = { oldPassword, newPassword, passwordChangeOTP: form(reset.otp) }
  expect((await post('change-password', change, token)).status).toBe(204)
  await clock.advance(10 * MINUTE)
  const again = await challenge({ phone: PHONE }, 'forgot-password')
  const body = { phone, otp: form(again.otp), newPassword: oldPassword }
  expect((await post('reset-password', body)).status).toBe(204)
  const otp = await challenge()
  const last = await post('verify-otp', { phone, ...otp, password: oldPassword })
  const session = await json<{ token: string }>(last)
  const code = await send('POST', '/v1/user/me/deletion-code', { token: session.token })
  const sent = await json<{ otp: string }>(code)
  const removal = { token: session.token, body: { otp: form(sent.otp) } }
  expect((await send('DELETE', '/v1/user/me', removal)).status).toBe(202)
})
