import { describe, expect, test } from 'bun:test'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { DAY, MINUTE } from '#src/lib/time.ts'
import { createMaintenance } from '#src/maintenance.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { createIdempotentCall } from '#src/modules/idempotency/idempotent-call.ts'
import { idempotencyKeyOf } from '#src/modules/idempotency/key.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

const claim = { key: 'k', fingerprint: 'f' }

async function setUp() {
  const { database, clock, signIn } = createTestApp()
  const { userId } = await signIn()
  const idempotently = createIdempotentCall({ database, clock })
  let calls = 0
  const create = async () => ({ status: 200, body: { call: ++calls }, location: null })
  return { clock, userId, signIn, idempotently, create, calls: () => calls }
}

describe('A call that cannot be one transaction', () => {
  test('is made once and its answer replayed, for a day', async () => {
    const { clock, userId, idempotently, create } = await setUp()
    expect(await idempotently({ userId, claim }, create)).toMatchObject({
      body: { call: 1 },
      replayed: false,
    })
    expect(await idempotently({ userId, claim }, create)).toMatchObject({
      body: { call: 1 },
      replayed: true,
    })
    clock.set(clock.now() + DAY)
    expect(await idempotently({ userId, claim }, create)).toMatchObject({
      body: { call: 2 },
      replayed: false,
    })
  })

  test('is 409 while the first still runs, and free again when its process died', async () => {
    const { clock, userId, idempotently, create, calls } = await setUp()
    const hanging = idempotently({ userId, claim }, () => new Promise<never>(() => {}))
    hanging.catch(() => {})
    await turns(3)
    await expect(idempotently({ userId, claim }, create)).rejects.toMatchObject({
      slug: 'idempotency-key-in-use',
      status: 409,
    })
    expect(calls()).toBe(0)
    clock.set(clock.now() + MINUTE)
    expect(await idempotently({ userId, claim }, create)).toMatchObject({ body: { call: 1 } })
  })

  test('that fails keeps nothing, so the same key may try again', async () => {
    const { userId, idempotently, create } = await setUp()
    const failing = idempotently({ userId, claim }, () =>
      Promise.reject(new Error('Stripe is down')),
    )
    await expect(failing).rejects.toThrow('Stripe is down')
    expect(await idempotently({ userId, claim }, create)).toMatchObject({
      body: { call: 1 },
      replayed: false,
    })
  })

  test('refuses another body with the same key; another user’s key is another key', async () => {
    const { userId, signIn, idempotently, create } = await setUp()
    await idempotently({ userId, claim }, create)
    const other = { ...claim, fingerprint: 'g' }
    await expect(idempotently({ userId, claim: other }, create)).rejects.toMatchObject({
      slug: 'idempotency-key-reused',
    })
    const stranger = await signIn()
    expect(await idempotently({ userId: stranger.userId, claim: other }, create)).toMatchObject({
      replayed: false,
    })
  })
})

describe('Idempotency-Key', () => {
  const read = (key: string | undefined, path = '/a', body: unknown = { a: 1 }) =>
    idempotencyKeyOf(
      new Request(`http://localhost${path}`, {
        method: 'POST',
        headers: key === undefined ? {} : { 'idempotency-key': key },
      }),
      body,
    )

  test('is 1 to 255 printable ASCII characters', () => {
    expect(read(undefined)).toBeUndefined()
    expect(read('x'.repeat(255))?.key).toHaveLength(255)
    for (const bad of ['', 'x'.repeat(256), 'ü', 'a\tb'])
      expect(() => read(bad)).toThrow('Some fields are not valid.')
  })

  test('covers method, path and body', () => {
    const first = read('k')?.fingerprint
    expect(read('k')?.fingerprint).toBe(first ?? '')
    expect(read('k', '/b')?.fingerprint).not.toBe(first ?? '')
    expect(read('k', '/a', { a: 2 })?.fingerprint).not.toBe(first ?? '')
    expect(read('k', '/%61')?.fingerprint).toBe(first ?? '')
    expect(read('k', '/%zz%ff')?.fingerprint).toHaveLength(20)
  })

  test('takes no body and an empty object for the same', async () => {
    const { send, signIn } = createTestApp()
    const { token } = await signIn()
    const headers = { 'idempotency-key': 'k' }
    const room = async (body?: object) =>
      await json<Room>(send('POST', '/v1/chatroom', { token, headers, ...(body && { body }) }))
    const { id } = await room()
    expect((await room({})).id).toBe(id)
  })
})

test('keys of yesterday and of erased users are forgotten in small commits, those of today kept', async () => {
  const app = createTestApp({}, { opened: openDatabase(':memory:') })
  const { sqlite } = app.database
  const [{ userId }, erased] = [await app.signIn(), await app.signIn()]
  const keep = sqlite.query(
    "INSERT INTO idempotency_keys (user_id, key, fingerprint, expires_at) VALUES (?1, ?2, 'f', ?3)",
  )
  const tomorrow = app.clock.now() + DAY
  for (let at = 0; at < 1_200; at++) keep.run(userId, `${at}`, app.clock.now() - (at % 2))
  for (const key of ['0', 'a', '~~~']) keep.run(userId, `new ${key}`, tomorrow)
  keep.run(userId, '~', tomorrow)
  for (const key of ['0', 'z']) keep.run(erased.userId, key, tomorrow)
  sqlite.run('DELETE FROM users WHERE id = ?', [erased.userId])
  const keys = () =>
    sqlite
      .query<{ key: string }, []>('SELECT key FROM idempotency_keys ORDER BY key')
      .all()
      .map(({ key }) => key)
  const task = createMaintenance(app).find(({ name }) => name === 'prune idempotency keys')
  const steps = new Set<number>()
  let isOver = false
  const over = task?.run(AbortSignal.any([]))
  void Promise.resolve(over).finally(() => {
    isOver = true
  })
  while (!isOver) {
    steps.add(keys().length)
    await turns(1)
  }
  expect(await over).toBe(1_202)
  expect(keys()).toEqual(['new 0', 'new a', 'new ~~~', '~'])
  // 1 206 keys, 500 at a time.
  expect([...steps]).toEqual(expect.arrayContaining([1_206, 706, 206]))
})
