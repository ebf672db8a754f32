import { expect, test } from 'bun:test'
import { numberDigestsOf } from '#src/accounts.ts'
import type { openDatabase } from '#src/database/sqlite/open.ts'
import { deriveKey } from '#src/lib/keys.ts'
import { createNumberDigests } from '#src/modules/auth/number-digest.ts'
import { copyTable, createAccountApp, PHONE } from '#test/support/test-accounts.ts'

type Users = { sqlite: ReturnType<typeof openDatabase>['sqlite'] }

const stored = ({ sqlite }: Users) =>
  sqlite.query<{ digest: string | null }, []>('SELECT number_digest AS digest FROM users').all()

test('a digest depends on the number and on the key, and has 128 bits', () => {
  const key = deriveKey('one secret', 'number')
  const digests = createNumberDigests([key, deriveKey('another secret', 'number')])
  const [present, previous] = digests(PHONE)
  expect(present).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(previous).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(previous).not.toBe(present)
  expect(createNumberDigests([key])(PHONE)).toEqual([present])
  expect(digests('+4930901821')[0]).not.toBe(present)
})

test('a sign-up stores the digest of the number, and another sign-up under another key keeps it', async () => {
  const before = createAccountApp()
  await before.post('signup', { phone: '+49 (0)30 90 18 20' })
  const digest = numberDigestsOf(before.config)(PHONE)[0]
  expect(stored(before.database)).toEqual([{ digest }])

  const jwtSecret = 'the secret of the next year, also long enough'
  const after = createAccountApp({ jwtSecret, jwtSecretPrevious: before.config.jwtSecret })
  copyTable(before.database, after.database, 'users')
  await after.post('signup', { phone: PHONE, name: 'Ada' })
  await after.logIn()
  expect(stored(after.database)).toEqual([{ digest }])
})

test('a signed-in user is limited by the digest', async () => {
  const app = createAccountApp()
  const { token, user } = await app.logIn()
  const [digest] = numberDigestsOf(app.config)(PHONE)
  await app.send('POST', '/v1/chatroom', { token, body: {} })
  const keys = () =>
    app.database.sqlite
      .query<{ key: string }, []>("SELECT key FROM rate_limits WHERE key GLOB 'rooms:*'")
      .all()
  expect(keys()).toEqual([{ key: `rooms:${digest}` }])
  await app.services.users.erase(user.id)
  const again = await app.logIn()
  await app.send('POST', '/v1/chatroom', { token: again.token, body: {} })
  expect(keys()).toEqual([{ key: `rooms:${digest}` }])
})
