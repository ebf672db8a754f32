import { expect, test } from 'bun:test'
import { command } from '#src/database/steps.ts'
import { claim } from '#src/queue/claim.ts'
import { retry } from '#src/queue/enqueue.ts'
import type { JobRow } from '#src/queue/job.ts'
import { createTestQueue, settle } from '#test/support/test-queue.ts'

test('jobs of a concurrency key run one at a time in the order they were added', async () => {
  const { kind, worker, enqueueAll } = createTestQueue()
  const order: unknown[] = []
  let now = 0
  let most = 0
  kind({
    run: async ({ body }) => {
      most = Math.max(most, ++now)
      await settle()
      order.push(body)
      now--
    },
  })
  await worker().start({ alone: true })
  await enqueueAll(
    Array.from({ length: 6 }, (_, body) => ({ kind: 'test', concurrencyKey: 'room', body })),
  )
  for (let times = 0; times < 10; times++) await settle()
  expect(order).toEqual([0, 1, 2, 3, 4, 5])
  expect(most).toBe(1)
})

test('the active job of a concurrency key keeps its place when it is tried again', async () => {
  const { kind, worker, enqueueAll, clock, states } = createTestQueue()
  const order: unknown[] = []
  kind({
    run: async ({ body, errors }) => {
      order.push(body)
      if (body === 0 && errors === 0) throw new Error('once')
    },
  })
  await worker().start({ alone: true })
  await enqueueAll([0, 1].map((body) => ({ kind: 'test', concurrencyKey: 'room', body })))
  await settle()
  expect(states()).toEqual(['ready', 'blocked'])
  await clock.advance(1_001)
  await settle()
  expect(order).toEqual([0, 0, 1])
})

test('the schema refuses a second active job of a concurrency key', async () => {
  const { database, enqueueAll } = createTestQueue()
  await enqueueAll([0, 1].map((body) => ({ kind: 'test', concurrencyKey: 'room', body })))
  const waken = "UPDATE jobs SET state = 'ready', behind = NULL WHERE id = 2"
  expect(() => database.sqlite.run(waken)).toThrow('UNIQUE')
})

test('the schema refuses a second job blocked by the same one, and one blocked by none', async () => {
  const { database, enqueueAll } = createTestQueue()
  await enqueueAll([0, 1, 2].map((body) => ({ kind: 'test', concurrencyKey: 'room', body })))
  const set = (behind: string) => `UPDATE jobs SET behind = ${behind} WHERE id = 3`
  expect(() => database.sqlite.run(set('1'))).toThrow('UNIQUE')
  expect(() => database.sqlite.run(set('NULL'))).toThrow('jobs_blocked')
})

test('blocked jobs run in order, whichever of them are cancelled', async () => {
  const all = [1, 2, 3, 4, 5]
  // Every choice of those that are cancelled, from both ends: a bit for each.
  for (let choice = 0; choice < 2 ** all.length; choice++) {
    for (const direction of [all, all.toReversed()]) {
      const { enqueueAll, cancel, kind, worker, database, row } = createTestQueue()
      const order: number[] = []
      kind({ run: async ({ id }) => void order.push(id) })
      await enqueueAll(all.map(() => ({ kind: 'test', concurrencyKey: 'room', body: {} })))
      const cancelled = direction.filter((id) => choice & (1 << (id - 1)))
      for (const id of cancelled) expect(await cancel(id)).toBe('cancelled')
      const [newcomer = 0] = await enqueueAll([{ kind: 'test', concurrencyKey: 'room', body: {} }])
      const left = all.filter((id) => !cancelled.includes(id))
      expect(row(newcomer).blockedBy).toBe(left.at(-1) ?? null)
      await worker().start({ alone: true })
      await settle()
      expect(order).toEqual([...left, newcomer])
      expect(database.sqlite.query('SELECT * FROM job_lanes').all()).toEqual([])
      database.close()
    }
  }
}, 60_000)

test('a job that an operator retries is blocked by those of its concurrency key', async () => {
  const { enqueueAll, cancel, database, clock, row } = createTestQueue()
  await enqueueAll([0, 1, 2].map((body) => ({ kind: 'test', concurrencyKey: 'room', body })))
  await cancel(1)
  expect(await database.run(retry, { id: 1, now: clock.now() })).toBe('retried')
  expect(row(1)).toMatchObject({ state: 'blocked', blockedBy: 3 })
  await enqueueAll([{ kind: 'test', concurrencyKey: 'room', body: 3 }])
  expect(row(4).blockedBy).toBe(1)
})

test('isWaiting says whether a concurrency key has a job of a kind that has not begun', async () => {
  const { enqueueAll, cancel, queue, database, clock } = createTestQueue()
  const ask = command('test.is-waiting', (tx, kind: string) =>
    queue.isWaiting(tx, { concurrencyKey: 'a', kind }),
  )
  const waiting = async () => [await database.run(ask, 'x'), await database.run(ask, 'y')]
  const add = (kind: string, concurrencyKey: string) =>
    enqueueAll([{ kind, concurrencyKey, body: {} }])
  await add('x', 'b')
  expect(await waiting()).toEqual([false, false])
  await add('x', 'a')
  expect(await waiting()).toEqual([true, false])
  await database.run(claim, { kind: 'x', limit: 2, leaseMs: 1, now: clock.now() })
  expect(await waiting()).toEqual([false, false])
  await add('y', 'a')
  await add('x', 'a')
  await add('x', 'a')
  expect(await waiting()).toEqual([true, true])
  await cancel(3)
  expect(await waiting()).toEqual([true, false])
})

test('a job with the dedupe key of one that has not ended is not added', async () => {
  const { enqueueAll, queue, database, clock, kind } = createTestQueue()
  kind({ run: async () => {} })
  const job = { kind: 'test', body: {}, dedupeKey: 'sync:1' }
  expect(await enqueueAll([job, job])).toEqual([1, undefined])
  const [row] = (
    await database.run(claim, { kind: 'test', limit: 1, leaseMs: 1, now: clock.now() })
  ).rows as [JobRow]
  expect(await enqueueAll([job])).toEqual([undefined])
  const finish = { as: 'done', effect: undefined } as const
  await database.run(queue.commands.finish, { job: row, finish, now: clock.now() })
  expect(await enqueueAll([job])).toEqual([expect.any(Number)])
})

test('10 000 blocked jobs of one concurrency key do not slow the others', async () => {
  const { database, enqueueAll, queue, clock } = createTestQueue()
  const finish = { as: 'done', effect: undefined } as const

  /** The fastest of many rounds of enqueue, claim and finish, each with a concurrency key of its own. */
  async function fastest(): Promise<number> {
    let best = Number.POSITIVE_INFINITY
    for (let round = 0; round < 40; round++) {
      const startedAt = Bun.nanoseconds()
      await enqueueAll([
        { kind: 'other', concurrencyKey: `other-${round}`, owner: 'somebody', body: {} },
      ])
      const now = clock.now()
      const { rows } = await database.run(claim, { kind: 'other', limit: 1, leaseMs: 1, now })
      for (const row of rows) await database.run(queue.commands.finish, { job: row, finish, now })
      best = Math.min(best, Bun.nanoseconds() - startedAt)
    }
    return best
  }

  await fastest()
  const before = await fastest()
  await enqueueAll(
    Array.from({ length: 10_000 }, (_, body) => ({
      kind: 'other',
      concurrencyKey: 'busy',
      owner: 'busy',
      body,
      dueAt: clock.now() + 1,
    })),
  )
  const after = await fastest()
  // A scan of them would cost a hundred times as much; the minimum of 40 rounds does not depend on luck.
  expect(after / before).toBeLessThan(4)
}, 30_000)
