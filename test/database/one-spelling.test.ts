import { Database as Sqlite } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { migrations } from '#drizzle/migrations/index.ts'
import { migrate } from '#src/database/migrate.ts'
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
