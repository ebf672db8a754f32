/**
 * Measures whether the time of an answer tells a known number from an unknown one: `bun run parity`. Known
 * and unknown take turns, so that whatever else the machine does falls on both. Medians over 200 tries are
 * compared, three times: one comparison wavers by several percent, a difference that is there comes thrice.
 */
import { HOUR } from '#src/lib/time.ts'
import { createAccountApp } from '#test/support/test-accounts.ts'

const TRIES = 200
const ROUNDS = 3
const WARM_UP = 100
let freshCount = 0
const most = 1_000_000
const app = createAccountApp({
  argon2MemoryKib: 19_456,
  argon2Passes: 2,
  authPerIpMinute: most,
  otpPerIpHour: most,
  smsHourlyBudget: most,
  otpDelivery: 'log',
})
const password = 'seven oaks under a lantern'
const phoneAt = (kind: 'known' | 'unknown', at: number) =>
  `+4930${kind === 'known' ? 1 : 2}${String(at + WARM_UP).padStart(6, '0')}`
const hash = await Bun.password.hash(password, {
  algorithm: 'argon2id',
  memoryCost: 19_456,
  timeCost: 2,
})
for (let at = -WARM_UP; at < ROUNDS * TRIES; at++) {
  app.database.sqlite
    .query(
      'INSERT INTO users (id, phone, password_hash, verified_at, created_at, updated_at) VALUES (?, ?, ?, 1, 1, 1)',
    )
    .run(`u${at}`, phoneAt('known', at), hash)
}

/** `bun run parity -- quick` leaves out the cases whose time is that of a hash. */
const quick = Bun.argv.includes('quick')
const cases: [name: string, path: string, body: object][] = [
  ['sign-up', 'signup', {}],
  ['sign-up with password', 'signup', { password }],
  ['send-otp', 'send-otp', {}],
  ['forgot-password', 'forgot-password', {}],
  // Against the code that send-otp, and the one that forgot-password, has just sent.
  ['verify-otp, wrong code', 'verify-otp', { otp: '000000' }],
  ['reset-password, wrong code', 'reset-password', { otp: '000000', newPassword: password }],
  ['send-otp, wrong password', 'send-otp', { password: 'not the right one' }],
  ['send-otp, right password', 'send-otp', { password }],
  ['verify-otp with a password', 'verify-otp', { otp: '000000', password }],
]
let failed = 0
for (const [name, path, body] of cases) {
  if (quick && 'password' in body) continue
  // Past the wait for the next code of each number.
  if (path === 'send-otp') app.clock.set(app.clock.now() + HOUR)
  const times = { known: [] as number[], unknown: [] as number[] }
  const parts: number[] = []
  // The first tries warm everything up and do not count.
  for (let at = -WARM_UP; at < ROUNDS * TRIES; at++) {
    const order = at % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    for (const kind of order) {
      // Sign-ups must find the number unknown: take one that no earlier case signed up.
      const phone = kind === 'unknown' && path === 'signup' ? fresh() : phoneAt(kind, at)
      const request = new Request(`http://localhost/v1/auth/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ phone, ...body }),
      })
      const startedAt = performance.now()
      const answer = await app.app.handle(request)
      const tookMs = performance.now() - startedAt
      if (at >= 0) times[kind].push(tookMs)
      if (answer.status === 429) throw new Error(`${name}: limited at try ${at}`)
    }
    if (at > 0 && (at + 1) % TRIES === 0) {
      const from = at + 1 - TRIES
      parts.push(apartOf(median(times.known.slice(from)), median(times.unknown.slice(from))))
    }
  }
  const [known, unknown] = [median(times.known), median(times.unknown)]
  const apart = median(parts)
  if (Math.abs(apart) > 0.05) failed++
  const each = parts.map((part) => (part * 100).toFixed(1)).join(', ')
  console.log(
    `${name.padEnd(26)} known ${known.toFixed(3)} ms  unknown ${unknown.toFixed(3)} ms  unknown longer by ${(apart * 100).toFixed(1)} % (${each})`,
  )
}
console.log(
  failed === 0
    ? 'Every pair is within 5 %.'
    : `${failed} of ${cases.length} are further apart than 5 %.`,
)
process.exit(failed === 0 ? 0 : 1)

function fresh(): string {
  freshCount++
  return `+49305${String(freshCount).padStart(6, '0')}`
}

function apartOf(known: number, unknown: number): number {
  return (unknown - known) / Math.max(known, unknown)
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
