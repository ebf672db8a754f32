import { expect, test } from 'bun:test'
import { MINUTE } from '#src/lib/time.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { createAccountApp, PASSWORD, PHONE } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

const SETTINGS = { otpDelivery: 'log', otpPerNumberDay: 30, otpPerIpHour: 1_000 } as const
const STEPS = 14
const WRONG = '000000'

type Step = { path: string; body: object; waitMs: number }

/** What anybody may do with a number, in any order; the codes are wrong, as they go to its owner. */
function steps(seed: number): Step[] {
  const random = createSeededRandom(seed)
  const pick = <T>(values: readonly [T, ...T[]]): T =>
    values[random.int(values.length)] ?? values[0]
  return Array.from({ length: STEPS }, () => {
    const password = pick([undefined, PASSWORD, 'a password of a stranger'])
    const withPassword = password === undefined ? {} : { password }
    const [path, body] = pick<[string, object]>([
      ['signup', withPassword],
      ['signup', { ...withPassword, name: 'Eve' }],
      ['send-otp', withPassword],
      ['send-otp', withPassword],
      ['forgot-password', {}],
      ['verify-otp', { otp: WRONG, ...withPassword }],
      ['verify-otp', { otp: WRONG, challengeId: 'last', ...withPassword }],
      ['reset-password', { otp: WRONG, newPassword: 'wet lantern under oaks' }],
    ])
    return { path, body, waitMs: pick([0, MINUTE, 3 * MINUTE, 11 * MINUTE]) }
  })
}

type App = ReturnType<typeof createAccountApp>

/** What an outsider sees of each step, and what it writes. */
async function observe({ post, clock, database }: App, plan: readonly Step[]) {
  const count = (sql: string) => database.sqlite.query<{ n: number }, []>(sql).get()?.n ?? 0
  const tables = ['otp_challenges', 'rate_limits', 'jobs', 'audit_log'] as const
  const seen: object[] = []
  let last = 'none'
  for (const { path, body, waitMs } of plan) {
    await clock.advance(waitMs)
    const before = count('SELECT total_changes() AS n')
    const given = 'challengeId' in body ? { ...body, challengeId: last } : body
    const answer = await post(path, { phone: PHONE, ...given })
    const written = count('SELECT total_changes() AS n') - before
    const shown = await json<Record<string, unknown>>(answer)
    if (typeof shown['challengeId'] === 'string') last = shown['challengeId']
    const masked = ['challengeId', 'instance'].filter((name) => name in shown)
    for (const name of masked) shown[name] = '…'
    seen.push({
      path,
      status: answer.status,
      headers: [...answer.headers].filter(([name]) => name !== 'x-request-id'),
      shown,
      written,
      rows: tables.map((table) => count(`SELECT count(*) AS n FROM ${table}`)),
    })
  }
  return seen
}

/** `set`: after a login with a password; `none`: after one without. */
async function appWith(account: 'unknown' | 'set' | 'none') {
  const app = createAccountApp(SETTINGS)
  // The limits and counters that all share exist from here on.
  await app.post('signup', { phone: '+4930901829' })
  if (account !== 'unknown') {
    const cost = { algorithm: 'argon2id', memoryCost: 8, timeCost: 1 } as const
    const hash = await Bun.password.hash(PASSWORD, cost)
    app.database.sqlite
      .query(
        'INSERT INTO users (id, phone, password_hash, verified_at, created_at, updated_at) VALUES (?1, ?2, ?3, 1, 1, 1)',
      )
      .run('known', PHONE, account === 'set' ? hash : null)
  }
  return app
}

test.each(Array.from({ length: 30 }, (_, seed) => seed))(
  'sequence %d shows and writes the same for a number with a password, without one, and without an account',
  async (seed) => {
    const plan = steps(seed)
    const unknown = await observe(await appWith('unknown'), plan)
    expect(await observe(await appWith('set'), plan)).toEqual(unknown)
    expect(await observe(await appWith('none'), plan)).toEqual(unknown)
  },
)

test('the password of a sign-up and that of an account cannot be told apart: signup, then send-otp with it', async () => {
  const plan: Step[] = [
    { path: 'signup', body: { password: 'a password of a stranger' }, waitMs: 0 },
    { path: 'send-otp', body: { password: 'a password of a stranger' }, waitMs: 0 },
    { path: 'send-otp', body: { password: PASSWORD }, waitMs: MINUTE },
    { path: 'verify-otp', body: { otp: WRONG, challengeId: 'last' }, waitMs: 0 },
  ]
  const unknown = await observe(await appWith('unknown'), plan)
  expect(unknown.map((step) => 'status' in step && step.status)).toEqual([202, 202, 202, 401])
  expect(await observe(await appWith('set'), plan)).toEqual(unknown)
})
