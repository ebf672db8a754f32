import { describe, expect, test } from 'bun:test'
import { systemRandom } from '#src/lib/random.ts'
import { createHashGate } from '#src/modules/auth/hash-gate.ts'
import { createPasswords } from '#src/modules/auth/passwords.ts'

const passwords = createPasswords({ memoryKib: 8, passes: 1 }, createHashGate(), systemRandom.bytes)
const check = (password: string, name: string | null = null, phone = '+4930901820') =>
  passwords.check(password, '/password', { phone, name }).then(
    () => 'accepted',
    (problem: { extras: { errors: { detail: string }[] } }) => problem.extras.errors[0]?.detail,
  )

describe('a password that guessing starts with is refused:', () => {
  test.each([
    ...['aaaaaaaa', 'xxxxxxxx', '00000000', '!!!!!!!!!', 'aaaabbbb', '        ', 'a'.repeat(128)],
    ...[
      '👍👍👍👍👍👍👍👍',
      '🦉🌲🦉🌲🦉🌲🦉🌲',
      'abababababab',
      'jkjkjkjk',
      '123123123',
      'abc'.repeat(42),
    ],
    ...['iloveyouiloveyou', 'Password Password', 'hunter2hunter2', 'password1password2'],
    ...['Password1!', 'Password1', 'password1234', 'PASSWORD', 'ＰＡＳＳＷＯＲＤ１', 'pássword1!'],
    ...[
      'P@ssw0rd',
      'P@ssw0rd123!',
      'Pa$$w0rd1',
      'P455w0rd!',
      'p4ssw0rd!2024',
      '4dm1n2024',
      '1loveyou!',
    ],
    ...['Summer2024!', 'Spring2025', 'January2025!', 'Welcome123!', 'Admin@123', 'Sunshine#1'],
    ...[
      'letmein1!',
      'Changeme1',
      'trustno1!',
      'Dragon123',
      'monkey12345',
      'Test1234!',
      'Pollux123!',
    ],
    ...['12345678', '87654321', '1234567890', '112233445566', 'abcdefgh', 'zyxwvutsrq', 'абвгдежз'],
    ...['qwerty123!', 'qwertyuiop[]', 'asdfghjkl', 'poiuytrewq', 'zxcvbnm,./', 'QWERTY!@#$'],
    ...['1q2w3e4r', 'q1w2e3r4', '1qaz2wsx3edc', '!QAZ2wsx', 'qazwsxedc', '!@#$%^&*', '1!2@3#4$'],
    ...['19901990', '01011990', '20241128', 'drowssap', 'drowssap1', 'abcd1234!', 'aaaaaaa1!'],
  ])('%s', async (password) => {
    expect(await check(password)).toBe('is one of the first that are guessed: choose another')
  })
})

describe('a good one is accepted, whatever it is made of:', () => {
  test.each([
    ...[
      'seven oaks under a lantern',
      'wet lantern under oaks',
      'warm up please',
      'not the right one',
    ],
    ...['kX9#vQ2m', '7hG$kq2L', 'aB3$xK9!', 'mwqpfzxk', '58203917', 'vR7-pL2-qN9', 'tr0ub4dor&3'],
    ...[
      'correcthorsebatterystaple',
      'blue-carpet-47-snow',
      'rain7umbrella',
      'mein hund heißt bello',
    ],
    ...['Zürich é Größe ü', 'дракон летит домой', '北京烤鸭很好吃呀', '🦉🌲🍄🌧️🚲🎻🧦🪵'],
  ])('%s', async (password) => {
    expect(await check(password)).toBe('accepted')
  })
})

test.each([
  ['30901820 lamp', null, '+4930901820'],
  ['lamp +49 30-90 18 20', null, '+4930901820'],
  ['lamp ٣٠٩٠١٨٢٠', null, '+4930901820'],
  ['lamp 2901234 oak', null, '+2901234'],
])('the number is found in %p', async (password, name, phone) => {
  expect(await check(password, name, phone)).toBe('must not hold your phone number')
})

test.each([
  ['my AUGUSTA lamp', 'Augusta Ada'],
  ['my áugusta lamp', 'Augusta'],
  ['oak 李小龙 lamp', '李小龙'],
  ['ＡＵＧＵＳＴＡ lamp', 'Augusta'],
])('the name is found in %p', async (password, name) => {
  expect(await check(password, name)).toBe('must not hold your name')
})

test('a check costs little, whatever is sent: its work grows with the length and no faster', async () => {
  const costly = ['a'.repeat(128), '4@$5!1|0'.repeat(16), `${'1'.repeat(127)}a`, '(1!|'.repeat(32)]
  await check('the lists are loaded now')
  for (const password of costly) {
    let bestMs = Number.POSITIVE_INFINITY
    for (let at = 0; at < 20; at++) {
      const startedAt = performance.now()
      await check(password)
      bestMs = Math.min(bestMs, performance.now() - startedAt)
    }
    expect(bestMs).toBeLessThan(10)
  }
})

test('the lists are built once, however many ask for them at the same time', async () => {
  const { isWeak } = await import(`#src/modules/auth/weak-password.ts?fresh=${Date.now()}`)
  const built: number[] = []
  const Original = globalThis.Set
  // The list of words is the only set of this size.
  const spy = class extends Original<unknown> {
    constructor(values?: Iterable<unknown>) {
      super(values)
      if (this.size > 10_000) built.push(this.size)
    }
  }
  globalThis.Set = spy as typeof Set
  try {
    await Promise.all(Array.from({ length: 50 }, () => isWeak('not the right one')))
  } finally {
    globalThis.Set = Original
  }
  expect(built).toHaveLength(1)
})
