import { describe, expect, test } from 'bun:test'
import { toPlainLine } from '#src/lib/plain-text.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { toTitle } from '#src/modules/titles/title.ts'
import { createTestApp, json, type ProblemJson } from '#test/support/test-app.ts'

/** C0, DEL and C1, and what reorders the text around it. NUL is refused in every text, see bad-text.test.ts. */
const MISLEADING = [
  ...Array.from({ length: 0x1f }, (_, at) => at + 1),
  ...Array.from({ length: 0x21 }, (_, at) => at + 0x7f),
  ...Array.from({ length: 7 }, (_, at) => at + 0x2028),
  ...Array.from({ length: 4 }, (_, at) => at + 0x2066),
].map((code) => String.fromCharCode(code))

const HARMLESS = [
  'Ada Lovelace',
  'עדה',
  'عَلِيّ',
  '李小龍',
  '👩‍👩‍👧',
  'a\u200eb',
  'a\u200fb',
  'ﬁ',
  'x\u00a0y',
  '-',
]
const LINE_BREAKS = ['\t', '\n', '\r']

async function setUp() {
  const { send, signIn } = createTestApp({ authPerIpMinute: 100_000, otpPerIpHour: 100_000 })
  const one = await signIn()
  const room = await json<Room>(send('POST', '/v1/chatroom', one))
  /** Every place where a user gives a name or a title. */
  const places = {
    'a sign-up’s name': (name: string) =>
      send('POST', '/v1/auth/signup', { body: { phone: '+12025550123', name } }),
    'a user’s name': (name: string) => send('PATCH', '/v1/user/me', { ...one, body: { name } }),
    'a new room’s title': (title: string) =>
      send('POST', '/v1/chatroom', { ...one, body: { title } }),
    'a room’s title': (title: string) =>
      send('PATCH', `/v1/chatroom/${room.id}`, { ...one, body: { title } }),
  }
  const instruct = (systemPrompt: string) =>
    send('PATCH', `/v1/chatroom/${room.id}`, { ...one, body: { systemPrompt } })
  return { send, one, places, instruct }
}

/** Each would be shown as an empty line: in a list of rooms there would be nothing to click on. */
const EMPTY = [
  '\u200b',
  '\u00ad \u00ad',
  '\u3164',
  '\u2800',
  '\ufe0f',
  '\u{e0041}\u{e007f}',
  ' \u2063 ',
]

describe('Names and titles', () => {
  test('that show nothing are refused, and joiners within emoji are not', async () => {
    const { places } = await setUp()
    for (const [place, give] of Object.entries(places)) {
      for (const text of EMPTY)
        expect([place, text, (await give(text)).status]).toEqual([place, text, 422])
      expect((await give('👩‍💻')).status).toBeLessThan(300)
    }
  })

  test('with a control character or one that reorders text are refused with a pointer', async () => {
    const { places } = await setUp()
    for (const [place, give] of Object.entries(places)) {
      const pointer = place.endsWith('name') ? '/name' : '/title'
      for (const [at, character] of MISLEADING.entries()) {
        // At its beginning, in it, at its end.
        const text = ['x', 'y', 'z'].toSpliced(at % 4, 0, character).join('')
        const answer = await give(text)
        expect([place, character, answer.status]).toEqual([place, character, 422])
        const { errors } = await json<ProblemJson>(answer)
        expect(errors?.map((error) => error.pointer)).toEqual([pointer])
      }
      expect((await give(' \u2003')).status).toBe(422)
    }
  })

  test('of every script are taken as they are', async () => {
    const { places } = await setUp()
    for (const give of Object.values(places)) {
      for (const text of HARMLESS) {
        expect([text, (await give(text)).ok]).toEqual([text, true])
      }
    }
  })
})

test('an instruction may have tabs and line breaks, and no other control character', async () => {
  const { instruct } = await setUp()
  for (const character of MISLEADING) {
    const isControl = /\p{Cc}/u.test(character) && !LINE_BREAKS.includes(character)
    const { status } = await instruct(`Be${character}brief`)
    expect([character, status]).toEqual([character, isControl ? 422 : 200])
  }
  expect((await instruct('One.\r\n\tTwo.\n')).status).toBe(200)
})

test('a title that the model made is cleaned', () => {
  for (const character of MISLEADING) {
    // The first line is the title.
    if (character === '\n') continue
    const title = toTitle(`Trip${character}to ${character}Bergen${character}`) ?? ''
    expect([character, title]).toEqual([character, 'Trip to Bergen'])
  }
  expect(toTitle('\u202e\u2066\u0007')).toBeUndefined()
  expect(toTitle('👩‍👩‍👧 a\u200eb')).toBe('👩‍👩‍👧 a\u200eb')
})

test('the device of a session is shown without such characters', async () => {
  const { send } = await setUp()
  const phone = '+12025550177'
  await send('POST', '/v1/auth/signup', { body: { phone } })
  const sent = await json<{ otp: string; challengeId?: string }>(
    send('POST', '/v1/auth/send-otp', { body: { phone } }),
  )
  // A header holds bytes: these are C1.
  const agent = `Mozilla${MISLEADING.filter((one) => one >= '\x7f' && one <= '\xff').join('')}\tX`
  const { token } = await json<{ token: string }>(
    send('POST', '/v1/auth/verify-otp', {
      body: { phone, otp: sent.otp, ...(sent.challengeId && { challengeId: sent.challengeId }) },
      headers: { 'user-agent': agent },
    }),
  )
  const { items } = await json<{ items: { device: string }[] }>(
    send('GET', '/v1/auth/sessions', { token }),
  )
  expect(items.map(({ device }) => device)).toEqual(['Mozilla X'])
  expect(toPlainLine('\u202eevil\u202c')).toBe('evil')
})
