import { describe, expect, spyOn, test } from 'bun:test'
import { createHashGate, type HashFor } from '#src/modules/auth/hash-gate.ts'
import { BEHIND_PROXY, listen } from '#test/support/networks.ts'
import { createAccountApp, PASSWORD, PHONE } from '#test/support/test-accounts.ts'

const ONE = { network: '203.0.113.7', isProven: false }

test('flood: four hashes at a time, 64 waiting, the others told to come back', async () => {
  const gate = createHashGate()
  let running = 0
  let most = 0
  const finish: (() => void)[] = []
  const hash = () =>
    gate.run(ONE, async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => finish.push(resolve))
      running--
    })
  const all = Array.from({ length: 100 }, hash).map((one) =>
    one.then(
      () => 'done',
      (error: { status: number; headers: Record<string, string> }) =>
        `${error.status} ${error.headers['retry-after']}`,
    ),
  )
  const results = Promise.all(all)
  await new Promise<void>((resolve) => setImmediate(resolve))
  while (finish.length > 0 || running > 0) {
    finish.shift()?.()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  const outcomes = await results
  expect(outcomes.filter((one) => one === 'done')).toHaveLength(68)
  expect(outcomes.filter((one) => one === '503 2')).toHaveLength(32)
  expect(most).toBe(4)
})

test('a hash that fails lets the next one in', async () => {
  const gate = createHashGate({ running: 1, waiting: 1 })
  await expect(gate.run(ONE, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await gate.run(ONE, async () => 'yes')).toBe('yes')
})

describe('of hashes that wait', () => {
  /** A gate whose hashes end one at a time; `order` names those that were computed, in their order. */
  function setUp(waiting: number) {
    const gate = createHashGate({ running: 1, waiting })
    const order: string[] = []
    const finish: (() => void)[] = []
    const refused: string[] = []
    const enter = (name: string, who: HashFor): void => {
      const hash = async () => {
        order.push(name)
        await new Promise<void>((resolve) => finish.push(resolve))
      }
      void gate.run(who, hash).catch(() => refused.push(name))
    }
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
    async function drain() {
      await turn()
      for (let next = finish.shift(); next; next = finish.shift()) {
        next()
        await turn()
      }
    }
    return { gate, enter, drain, order, refused }
  }
  const stranger = (network: string) => ({ network, isProven: false })
  const proven = (network: string) => ({ network, isProven: true })

  test('networks take turns, however many one of them sends', async () => {
    const { enter, drain, order } = setUp(64)
    for (let at = 0; at < 10; at++) enter(`flood ${at}`, stranger('flood'))
    enter('honest 0', stranger('honest'))
    enter('honest 1', stranger('honest'))
    await drain()
    expect(order.slice(0, 5)).toEqual(['flood 0', 'flood 1', 'honest 0', 'flood 2', 'honest 1'])
    expect(order).toHaveLength(12)
  })

  test('a full gate takes a place from the network with the most, and refuses that network', async () => {
    const { gate, enter, drain, order, refused } = setUp(8)
    for (let at = 0; at < 100; at++) enter(`flood ${at}`, stranger('flood'))
    expect(() => gate.refuseWhenFull(stranger('flood'))).toThrow('Too many logins')
    for (let at = 0; at < 4; at++) {
      gate.refuseWhenFull(stranger(`honest ${at}`))
      enter(`honest ${at}`, stranger(`honest ${at}`))
    }
    await drain()
    const honest = order.filter((name) => name.startsWith('honest'))
    expect(honest).toEqual(['honest 0', 'honest 1', 'honest 2', 'honest 3'])
    expect([order.length, refused.length]).toEqual([9, 95])
  })

  test('where every network has as many, the newcomer is refused', async () => {
    const { gate, enter, drain, order, refused } = setUp(8)
    for (let at = 0; at < 10; at++) enter(`${at}`, stranger(`network ${at}`))
    expect(() => gate.refuseWhenFull(stranger('new'))).toThrow('Too many logins')
    await drain()
    expect([order.length, refused]).toEqual([9, ['9']])
  })

  test('those after a right code go first, and take the place of strangers, even of the same network', async () => {
    const { enter, drain, order, refused } = setUp(8)
    for (let at = 0; at < 9; at++) enter(`flood ${at}`, stranger(`${at}`))
    enter('login', proven('0'))
    await drain()
    expect(order.slice(0, 2)).toEqual(['flood 0', 'login'])
    expect(refused).toHaveLength(1)
  })

  test('a proven flood of one network does not shut out another network', async () => {
    const { enter, drain, order, refused } = setUp(8)
    for (let at = 0; at < 20; at++) enter(`flood ${at}`, proven('flood'))
    enter('login', proven('honest'))
    await drain()
    expect(order.indexOf('login')).toBeLessThan(4)
    expect(refused).not.toContain('login')
  })
})

const ROOMY = { otpPerIpHour: 10_000, authPerIpMinute: 10_000, smsHourlyBudget: 1_000_000 }
const CHEAP = { algorithm: 'argon2id', memoryCost: 8, timeCost: 1 } as const

/** Keeps every hash from ending until the function returned is called, so that the gate stays full. */
function holdHashes(): () => void {
  const held = Promise.withResolvers<void>()
  const { hash, verify } = Bun.password
  const spies = [
    spyOn(Bun.password, 'hash').mockImplementation(async (...given) => {
      await held.promise
      return hash.apply(Bun.password, given)
    }),
    spyOn(Bun.password, 'verify').mockImplementation(async (...given) => {
      await held.promise
      return verify.apply(Bun.password, given)
    }),
  ]
  return () => {
    for (const spy of spies) spy.mockRestore()
    held.resolve()
  }
}

test('a sign-up that would not get to its hash is refused before it writes anything', async () => {
  const { post, database } = createAccountApp(ROOMY)
  const changes = () =>
    database.sqlite.query<{ n: number }, []>('SELECT total_changes() AS n').get()?.n
  const signUp = (at: number) => post('signup', { phone: `+49309018${at}`, password: PASSWORD })
  const release = holdHashes()
  const refused = Promise.withResolvers<void>()
  const flood = Array.from({ length: 80 }, async (_, at) => {
    const { status } = await signUp(100 + at)
    if (status === 503) refused.resolve()
    return status
  })
  await refused.promise
  const before = changes()
  expect((await signUp(200)).status).toBe(503)
  expect(changes()).toBe(before)
  release()
  const statuses = await Promise.all(flood)
  expect(statuses.filter((status) => status === 202).length).toBeGreaterThanOrEqual(65)
})

test('15 of 15 honest logins succeed while one network floods sign-ups and requests for codes', async () => {
  const app = createAccountApp({ ...ROOMY, argon2MemoryKib: 1_024, ...BEHIND_PROXY })
  await using networks = listen(app)
  const hash = await Bun.password.hash(PASSWORD, CHEAP)
  const phones = Array.from({ length: 15 }, (_, at) => `+49309020${String(at).padStart(2, '0')}`)
  const insert = app.database.sqlite.query(
    'INSERT INTO users (id, phone, password_hash, verified_at, created_at, updated_at) VALUES (?1, ?1, ?2, 1, 1, 1)',
  )
  for (const phone of phones) insert.run(phone, hash)
  let isOver = false
  let requests = 0
  const flood = Array.from({ length: 100 }, async () => {
    while (!isOver) {
      // 50 networks of one /56, as in the attack that shut everybody out.
      const attacker = networks.from(`2001:db8:0:${(requests % 50).toString(16)}::1`)
      const path = requests % 2 === 0 ? 'signup' : 'send-otp'
      await attacker(path, {
        phone: `+493091${requests++ % 100_000}`.padEnd(12, '0'),
        password: PASSWORD,
      })
    }
  })
  const statuses = await Promise.all(
    phones.map(async (phone, at) => {
      const owner = networks.from(`198.51.100.${at}`)
      const sent = await owner('send-otp', { phone, password: PASSWORD })
      const { otp, challengeId }: { otp: string; challengeId: string } = JSON.parse(
        await sent.text(),
      )
      const login = await owner('verify-otp', { phone, otp, challengeId, password: PASSWORD })
      return [sent.status, login.status]
    }),
  )
  isOver = true
  await Promise.all(flood)
  expect(requests).toBeGreaterThan(100)
  expect(statuses).toEqual(phones.map(() => [202, 200]))
}, 60_000)

test('a busy server locks nobody out: neither the code’s try nor the guess of the password counts', async () => {
  const app = createAccountApp(ROOMY)
  const { post, verify, challenge, signIn, database, slug } = app
  await app.logInWithPassword()
  const others = await Promise.all(Array.from({ length: 4 }, signIn))
  database.sqlite
    .query('UPDATE users SET password_hash = ? WHERE password_hash IS NULL')
    .run(await Bun.password.hash(PASSWORD, CHEAP))
  const login = await challenge()
  const reset = await challenge({ phone: PHONE }, 'forgot-password')
  const newPassword = 'wet lantern under seven oaks'
  const release = holdHashes()
  const full = Promise.withResolvers<void>()
  const flood = others.flatMap(({ token }) =>
    Array.from({ length: 20 }, async () => {
      const answer = await post('change-password', { oldPassword: PASSWORD, newPassword }, token)
      if (answer.status === 503) full.resolve()
    }),
  )
  await full.promise
  for (let at = 0; at < 6; at++) {
    expect(await slug(verify(login.otp, { password: PASSWORD }))).toBe('busy')
    expect(await slug(post('reset-password', { phone: PHONE, ...reset, newPassword }))).toBe('busy')
  }
  release()
  await Promise.all(flood)
  const tries = 'SELECT tries FROM otp_challenges WHERE ended_at IS NULL'
  expect(database.sqlite.query(tries).all()).toEqual([{ tries: 0 }, { tries: 0 }])
  const guesses = "SELECT 1 FROM rate_limits WHERE key LIKE 'wrong-passwords:%' AND count > 0"
  expect(database.sqlite.query(guesses).all()).toEqual([])
  expect((await verify(login.otp, { password: PASSWORD })).status).toBe(200)
})
