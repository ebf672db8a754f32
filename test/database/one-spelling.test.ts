import { Database as Sqlite } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { migrations } from '#drizzle/migrations/index.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { parsePhone } from '#src/lib/phone.ts'

const NAME = migrations.find(({ name }) => name.endsWith('challenge-handle'))?.name ?? ''

test('an upgrade writes Mexican and Argentine mobiles as logins now look them up', () => {
  const sqlite = new Sqlite(':memory:', { strict: true })
  migrate(sqlite, { now: 0, known: migrations.filter(({ name }) => name < NAME) })
  const insert = sqlite.query(
    "INSERT INTO users (id, phone, number_digest, verified_at, created_at, updated_at) VALUES (?, ?, 'old', ?, 0, 0)",
  )
  const before: [id: string, phone: string, verifiedAt: number | null][] = [
    ['mx', '+5215512345678', 1],
    ['mx-new', '+525587654321', 1],
    ['ar', '+541123456789', 1],
    ['ar-new', '+5491187654321', 1],
    ['ar-freephone', '+548001234567', 1],
    ['de', '+4930901820', 1],
    // Both spellings: the proven one stays.
    ['proven-old', '+5215500000001', 1],
    ['unproven-new', '+525500000001', null],
    ['unproven-old', '+5215500000002', null],
    ['proven-new', '+525500000002', 1],
    ['both-old', '+541100000003', 1],
    ['both-new', '+5491100000003', 1],
  ]
  for (const row of before) insert.run(...row)
  migrate(sqlite, { now: 1 })
  const after = sqlite
    .query<{ id: string; phone: string; digest: string | null }, []>(
      'SELECT id, phone, number_digest AS digest FROM users ORDER BY id',
    )
    .all()
  expect(Object.fromEntries(after.map(({ id, phone }) => [id, phone]))).toEqual({
    ar: '+5491123456789',
    'ar-freephone': '+548001234567',
    'ar-new': '+5491187654321',
    'both-new': '+5491100000003',
    'both-old': '+541100000003',
    de: '+4930901820',
    mx: '+525512345678',
    'mx-new': '+525587654321',
    'proven-new': '+525500000002',
    'proven-old': '+525500000001',
  })
  // The digest is of the number, so that of a number that changed is made anew at the start.
  const renamed = after.filter(({ digest }) => digest === null).map(({ id }) => id)
  expect(renamed).toEqual(['ar', 'mx', 'proven-old'])
  for (const [id, phone] of before.filter(([id]) => renamed.includes(id))) {
    expect(parsePhone(phone)?.e164).toBe(after.find((one) => one.id === id)?.phone)
  }
})

test('an upgrade writes Brazilian mobiles with their ninth digit and keeps what was counted', () => {
  const ninth = migrations.find(({ name }) => name.endsWith('ninth-digit'))?.name ?? ''
  const sqlite = new Sqlite(':memory:', { strict: true })
  migrate(sqlite, { now: 0, known: migrations.filter(({ name }) => name < ninth) })
  const insert = sqlite.query(
    "INSERT INTO users (id, phone, number_digest, verified_at, created_at, updated_at) VALUES (?1, ?2, ?1 || '-digest', ?3, 0, 0)",
  )
  const before: [id: string, phone: string, verifiedAt: number | null][] = [
    ['old', '+551181234567', 1],
    ['new', '+5511987654321', 1],
    ['fixed', '+551131234567', 1],
    // Both spellings: the proven one stays.
    ['proven-old', '+551190000001', 1],
    ['unproven-new', '+5511990000001', null],
    ['unproven-old', '+551190000002', null],
    ['proven-new', '+5511990000002', 1],
    ['both-old', '+551190000003', 1],
    ['both-new', '+5511990000003', 1],
  ]
  for (const row of before) insert.run(...row)
  sqlite.run(`INSERT INTO number_usage (number_digest, day, used, starts, minute_at, minute_prompts, pending, stored_bytes)
    SELECT number_digest, '2026-01-02', 1, 1, 0, 0, 0, 9 FROM users`)
  sqlite.run(`INSERT INTO quota_usage (number_digest, day, used, starts, account_gone)
    SELECT number_digest, '2026-01-01', 2, 2, 0 FROM users`)
  migrate(sqlite, { now: 1 })
  const after = sqlite
    .query<{ id: string; phone: string; digest: string | null }, []>(
      'SELECT id, phone, number_digest AS digest FROM users ORDER BY id',
    )
    .all()
  expect(Object.fromEntries(after.map(({ id, phone }) => [id, phone]))).toEqual({
    'both-new': '+5511990000003',
    'both-old': '+551190000003',
    fixed: '+551131234567',
    new: '+5511987654321',
    old: '+5511981234567',
    'proven-new': '+5511990000002',
    'proven-old': '+5511990000001',
  })
  const renamed = after.filter(({ digest }) => digest === null).map(({ id }) => id)
  expect(renamed).toEqual(['old', 'proven-old'])
  for (const table of ['number_usage', 'quota_usage']) {
    const counted = sqlite
      .query<{ of: string }, []>(`SELECT number_digest AS of FROM ${table}`)
      .all()
      .map(({ of }) => of)
    // An id stands in for a digest that is not written yet.
    for (const { id, digest } of after) expect(counted).toContain(digest ?? id)
  }
  for (const [id, phone] of before.filter(([id]) => renamed.includes(id))) {
    expect(parsePhone(phone)?.e164).toBe(after.find((one) => one.id === id)?.phone)
  }
})
