import { afterEach, beforeEach, expect, test } from 'bun:test'
import { migrate } from '#src/database/sqlite/migrate.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { Problem } from '#src/lib/problem.ts'
import { HOUR } from '#src/lib/time.ts'
import { spend } from '#src/modules/limits/commands.ts'
import { userLimit } from '#src/modules/limits/limit.ts'
import { openTestDatabase } from '#test/support/async-database.ts'

const NOON = Date.UTC(2026, 10, 22, 12)
const limit = userLimit('tests', { numberDigest: 'digest' }, 2, HOUR)

let database: Database
beforeEach(() => {
  database = openTestDatabase()
  migrate(database.sqlite, { now: 0 })
})
afterEach(() => database.close())

/** True where it was taken; otherwise the seconds to wait. */
async function take(now: number): Promise<true | string | null> {
  try {
    await database.run(spend, { limits: [limit], now })
    return true
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    expect(error.status).toBe(429)
    return error.respond('id').headers.get('retry-after')
  }
}

test('a window begins with its first and ends after its length, whatever was refused in it', async () => {
  expect(await take(NOON)).toBe(true)
  expect(await take(NOON + HOUR / 2)).toBe(true)
  for (let at = 0; at < 5; at++) expect(await take(NOON + HOUR / 2)).toBe('1800')
  expect(await take(NOON + HOUR - 1)).toBe('1')
  expect(await take(NOON + HOUR)).toBe(true)
  expect(await take(NOON + HOUR)).toBe(true)
  expect(await take(NOON + HOUR)).toBe('3600')
})

test('a clock that was set back begins a new window with a count of one', async () => {
  expect([await take(NOON), await take(NOON)]).toEqual([true, true])
  const before = NOON - 24 * HOUR
  expect(await take(before)).toBe(true)
  expect(await take(before + 1)).toBe(true)
  expect(await take(before + 2)).toBe('3600')
  expect(await take(before + HOUR)).toBe(true)
})
