import { afterEach, describe, expect, test } from 'bun:test'
import { DAY } from '#src/lib/time.ts'
import type { User } from '#src/plugins/schemas.ts'
import { createAccountApp, PHONE } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

const JWT_SECRET = 'the secret of this year, which is long enough'

type App = ReturnType<typeof createAccountApp>

let open: App | undefined
afterEach(() => {
  open?.database.close()
  open = undefined
})

function setUp(...given: Parameters<typeof createAccountApp>) {
  const app = createAccountApp(...given)
  open = app
  return app
}

/** A prompt that a worker takes, unless it `waits`. */
async function prompt(app: App, token: string, { waits = false } = {}): Promise<number> {
  const { id } = await json<{ id: string }>(app.send('POST', '/v1/chatroom', { token, body: {} }))
  const body = { userPrompt: 'Hello' }
  const { status } = await app.send('POST', `/v1/chatroom/${id}/message`, { token, body })
  if (!waits) app.database.sqlite.run("UPDATE jobs SET claims = 1 WHERE kind = 'message.reply'")
  return status
}

const me = (app: App, token: string) => json<User>(app.send('GET', '/v1/user/me', { token }))

const days = (app: App) =>
  app.database.sqlite.query('SELECT day, used, starts, account_gone FROM quota_usage').all()

/** Takes everything over into an app with other settings, as a restart does. */
function restart(app: App, settings: Parameters<typeof createAccountApp>[0]): App {
  const next = createAccountApp(settings, { clock: app.clock, seed: 99 })
  for (const table of ['users', 'number_usage', 'quota_usage']) {
    const rows = app.database.sqlite
      .query<Record<string, string>, []>(`SELECT * FROM ${table}`)
      .all()
    for (const row of rows) {
      const names = Object.keys(row)
      next.database.sqlite
        .query(`INSERT INTO ${table} (${names}) VALUES (${names.map(() => '?')})`)
        .run(...Object.values(row))
    }
  }
  app.database.close()
  open = next
  return next
}

describe('the day’s quota is that of the number', () => {
  test('deleting the account and signing up again gives no new prompts', async () => {
    const app = setUp()
    let accepted = 0
    for (let cycle = 0; cycle < 5; cycle++) {
      const { token, user } = await app.logIn()
      while ((await prompt(app, token)) === 202) accepted++
      expect((await me(app, token)).quota).toMatchObject({ used: 5, remaining: 0 })
      await app.services.users.erase(user.id)
    }
    expect(accepted).toBe(5)
    await app.clock.advance(DAY)
    const { token } = await app.logIn()
    expect((await me(app, token)).quota).toMatchObject({ used: 0, remaining: 5 })
    expect(await prompt(app, token)).toBe(202)
  })

  test('and it shows in headers, problem and `me` before the first prompt of the new account', async () => {
    const app = setUp({ basicDailyPrompts: 2 })
    const first = await app.logIn()
    await prompt(app, first.token)
    await app.services.users.erase(first.user.id)
    const { token } = await app.logIn()
    expect((await me(app, token)).quota).toMatchObject({ limit: 2, used: 1, remaining: 1 })
    const { id } = await json<{ id: string }>(app.send('POST', '/v1/chatroom', { token, body: {} }))
    const list = await app.send('GET', `/v1/chatroom/${id}/message/all`, { token })
    expect(list.headers.get('ratelimit')).toStartWith('"daily";r=1;')
    expect(await prompt(app, token)).toBe(202)
    expect(await prompt(app, token)).toBe(429)
  })

  test('another spelling of the number is the same day', async () => {
    const app = setUp({ basicDailyPrompts: 1 })
    const first = await app.logIn('+1 202 555 0142')
    expect(await prompt(app, first.token)).toBe(202)
    await app.services.users.erase(first.user.id)
    for (const phone of ['0012025550142', '+1 (202) 555-0142', '+12025550142']) {
      const { token, user } = await app.logIn(phone)
      expect([phone, await prompt(app, token)]).toEqual([phone, 429])
      await app.services.users.erase(user.id)
    }
  })

  test('the refund of the deletion counts, and what was sent does not', async () => {
    const app = setUp()
    const { token, user } = await app.logIn()
    await prompt(app, token)
    await prompt(app, token)
    await prompt(app, token, { waits: true })
    await app.services.users.erase(user.id)
    const again = await app.logIn()
    expect((await me(app, again.token)).quota).toMatchObject({ used: 2 })
  })

  test('a change of JWT_SECRET keeps the day of an account', async () => {
    const before = setUp({ jwtSecret: JWT_SECRET, basicDailyPrompts: 1 })
    const first = await before.logIn()
    expect(await prompt(before, first.token)).toBe(202)
    const after = restart(before, {
      jwtSecret: `${JWT_SECRET} no more`,
      jwtSecretPrevious: JWT_SECRET,
      basicDailyPrompts: 1,
    })
    const { token } = await after.logIn()
    expect(await prompt(after, token)).toBe(429)
  })

  test('and that of a number whose account was deleted before the change', async () => {
    const before = setUp({ jwtSecret: JWT_SECRET, basicDailyPrompts: 1 })
    const first = await before.logIn()
    await prompt(before, first.token)
    await before.services.users.erase(first.user.id)
    const after = restart(before, {
      jwtSecret: `${JWT_SECRET} no more`,
      jwtSecretPrevious: JWT_SECRET,
      basicDailyPrompts: 1,
    })
    const { token } = await after.logIn()
    expect(await prompt(after, token)).toBe(429)
  })

  test('and that of an account deleted after the key of its digest is long forgotten', async () => {
    const before = setUp({ jwtSecret: JWT_SECRET, basicDailyPrompts: 1 })
    await before.logIn()
    const after = restart(before, {
      jwtSecret: `${JWT_SECRET}, two years on`,
      basicDailyPrompts: 1,
    })
    const { token, user } = await after.logIn()
    expect(await prompt(after, token)).toBe(202)
    await after.services.users.erase(user.id)
    const again = await after.logIn()
    expect(await prompt(after, again.token)).toBe(429)
  })
})

describe('what is kept', () => {
  test('after a deletion is a digest with the counts of that day, and it goes with the day', async () => {
    const app = setUp()
    const first = await app.logIn()
    await prompt(app, first.token)
    await app.clock.advance(DAY)
    const { token, user } = await app.logIn()
    await prompt(app, token)
    await prompt(app, token)
    expect(days(app)).toMatchObject([{ day: '2026-11-22', used: 1, account_gone: 0 }])
    await app.services.users.erase(user.id)
    expect(days(app)).toEqual([{ day: '2026-11-23', used: 2, starts: 2, account_gone: 1 }])
    expect(app.database.sqlite.query('SELECT * FROM number_usage').all()).toEqual([])
    const stored = JSON.stringify(app.database.sqlite.query('SELECT * FROM quota_usage').all())
    expect(stored).not.toContain(PHONE.slice(1))
    expect(stored).not.toContain(user.id)
    await app.services.quotas.reset()
    expect(days(app)).toHaveLength(1)
    await app.clock.advance(DAY)
    await app.services.quotas.reset()
    expect(days(app)).toEqual([])
  })

  test('of an account is the history of 35 days', async () => {
    const app = setUp()
    const kept: string[] = []
    for (let day = 0; day < 37; day++) {
      const { token } = await app.logIn()
      await prompt(app, token)
      kept.push(new Date(app.clock.now()).toISOString().slice(0, 10))
      await app.clock.advance(DAY)
      await app.services.quotas.reset()
    }
    const names = days(app).map((row) => (row as { day: string }).day)
    // Today and the day it was used last are in number_usage.
    expect(names).toEqual(kept.slice(2, -1))
    expect(names).toHaveLength(34)
  })

  test('is told in the export, today included', async () => {
    const app = setUp()
    const first = await app.logIn()
    await prompt(app, first.token)
    await app.clock.advance(DAY)
    const { token } = await app.logIn()
    await prompt(app, token)
    await prompt(app, token)
    const lines = (await (await app.send('GET', '/v1/user/me/export', { token })).text()).split(
      '\n',
    )
    const quota = lines.filter((line) => line.includes('"type":"quota"'))
    expect(quota.map((line) => JSON.parse(line))).toEqual([
      { type: 'quota', day: '2026-11-22', used: 1 },
      { type: 'quota', day: '2026-11-23', used: 2 },
    ])
  })
})
