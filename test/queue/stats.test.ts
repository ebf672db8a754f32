import { expect, test } from 'bun:test'
import { DAY } from '#src/lib/time.ts'
import { createInspector } from '#src/queue/inspect.ts'
import { prune } from '#src/queue/prune.ts'
import { revive } from '#src/queue/revive.ts'
import { createQueueStats } from '#src/queue/stats.ts'
import { createTestQueue, settle } from '#test/support/test-queue.ts'

async function fill() {
  const test = createTestQueue()
  const { kind, worker, enqueue, clock } = test
  const { promise } = Promise.withResolvers<void>()
  kind({
    concurrency: 1,
    run: async ({ body }) => {
      if (body === 'wait') await promise
      if (body === 'poison') throw new Error('a')
    },
  })
  kind({ kind: 'sms', run: async () => {} })
  await enqueue({ kind: 'sms' })
  await enqueue({ body: 'wait', lane: 'a' })
  await enqueue({ lane: 'a' })
  await enqueue({ lane: 'b' })
  await enqueue({ lane: 'c', dueAt: clock.now() + DAY })
  await worker().start({ alone: true })
  await settle()
  return test
}

test('the figures count what waits by kind and state, and the oldest ready job', async () => {
  const { database, clock } = await fill()
  const stats = createQueueStats(database)
  expect(stats.waiting(clock.now() + 3_000)).toEqual([
    { kind: 'test', parked: 1, ready: 2, running: 1, oldestReadyMs: 3_000 },
  ])
  expect(stats.ended(0)).toEqual([{ kind: 'sms', state: 'done', count: 1 }])
  expect(stats.ended(clock.now() + 1)).toEqual([])
})

test('an operator lists jobs by state and kind, latest first', async () => {
  const { database } = await fill()
  const inspector = createInspector(database)
  const ids = (rows: { id: number }[]) => rows.map(({ id }) => id)
  expect(ids(inspector.list({ limit: 3 }))).toEqual([5, 4, 3])
  expect(ids(inspector.list({ limit: 3, state: 'ready' }))).toEqual([5, 4])
  expect(ids(inspector.list({ limit: 3, kind: 'sms' }))).toEqual([1])
  expect(inspector.find(1)).toMatchObject({ kind: 'sms', state: 'done' })
  expect(inspector.find(4_711)).toBeUndefined()
})

test('an operator gives a dead job another life with a clean record', async () => {
  const { database, kind, worker, enqueue, row, clock } = createTestQueue()
  let broken = true
  kind({
    run: async () => {
      if (broken) throw new Error('no luck')
    },
  })
  await worker().start({ alone: true })
  const id = await enqueue({ lane: 'a', deadlineAt: clock.now() + 1 })
  await settle()
  expect(row(id).state).toBe('failed')
  broken = false
  const again = (job: number) => database.execute(revive, { id: job, now: clock.now() })
  expect(await again(id)).toBe('revived')
  await settle()
  expect(row(id)).toMatchObject({ state: 'done', claims: 2, errors: 0 })
  expect(await again(id)).toBe('not-ended')
  expect(await again(4_711)).toBe('unknown')
})

test('a revived job waits behind its lane', async () => {
  const { database, enqueue, cancel, row, clock } = createTestQueue()
  const first = await enqueue({ lane: 'a' })
  const second = await enqueue({ lane: 'a' })
  await cancel(first)
  expect(await database.execute(revive, { id: first, now: clock.now() })).toBe('revived')
  expect([row(first).state, row(second).state]).toEqual(['parked', 'ready'])
})

test('a dead job whose dedupe key is taken again stays dead', async () => {
  const { database, enqueue, cancel, row, clock } = createTestQueue()
  const first = await enqueue({ dedupeKey: 'k' })
  await cancel(first)
  await enqueue({ dedupeKey: 'k' })
  const result = await database.execute(revive, { id: first, now: clock.now() })
  expect([result, row(first).state]).toEqual(['busy', 'cancelled'])
})

test('prune deletes ended jobs of before the instant, so many at a time, and no others', async () => {
  const { database, enqueue, cancel, clock, states } = createTestQueue()
  for (let at = 0; at < 5; at++) await cancel(await enqueue())
  await enqueue()
  const endedBefore = clock.now() + 1
  expect(await database.execute(prune, { endedBefore: clock.now(), limit: 10 })).toBe(0)
  expect(await database.execute(prune, { endedBefore, limit: 3 })).toBe(3)
  expect(await database.execute(prune, { endedBefore, limit: 3 })).toBe(2)
  expect(states()).toEqual(['ready'])
})
