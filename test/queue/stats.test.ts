import { expect, test } from 'bun:test'
import { DAY } from '#src/lib/time.ts'
import { retry } from '#src/queue/enqueue.ts'
import { prune, readEnded, readJob, readJobs, readWaiting } from '#src/queue/stats.ts'
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
  await enqueue({ body: 'wait', concurrencyKey: 'a' })
  await enqueue({ concurrencyKey: 'a' })
  await enqueue({ concurrencyKey: 'b' })
  await enqueue({ concurrencyKey: 'c', dueAt: clock.now() + DAY })
  await worker().start({ alone: true })
  await settle()
  return test
}

test('the figures count what waits by kind and state, and the oldest ready job', async () => {
  const { database, clock } = await fill()
  const ended = (since: number) => database.read(readEnded, { since })
  expect(await database.read(readWaiting, { now: clock.now() + 3_000 })).toEqual([
    { kind: 'test', blocked: 1, ready: 2, running: 1, oldestReadyMs: 3_000 },
  ])
  expect(await ended(0)).toEqual([{ kind: 'sms', state: 'done', count: 1 }])
  expect(await ended(clock.now() + 1)).toEqual([])
})

test('an operator lists jobs by state and kind, latest first', async () => {
  const { database } = await fill()
  const ids = async (filter: { state?: string; kind?: string }) =>
    (await database.read(readJobs, { limit: 3, ...filter })).map(({ id }) => id)
  expect(await ids({})).toEqual([5, 4, 3])
  expect(await ids({ state: 'ready' })).toEqual([5, 4])
  expect(await ids({ kind: 'sms' })).toEqual([1])
  expect(await database.read(readJob, { id: 1 })).toMatchObject({ kind: 'sms', state: 'done' })
  expect(await database.read(readJob, { id: 4_711 })).toBeUndefined()
})

test('a job that an operator retries starts with its counters reset', async () => {
  const { database, kind, worker, enqueue, row, clock } = createTestQueue()
  let broken = true
  kind({
    run: async () => {
      if (broken) throw new Error('no luck')
    },
  })
  await worker().start({ alone: true })
  const id = await enqueue({ concurrencyKey: 'a', deadlineAt: clock.now() + 1 })
  await settle()
  expect(row(id).state).toBe('failed')
  broken = false
  const again = (job: number) => database.run(retry, { id: job, now: clock.now() })
  expect(await again(id)).toBe('retried')
  await settle()
  expect(row(id)).toMatchObject({ state: 'done', attempt: 2, errors: 0 })
  expect(await again(id)).toBe('not-ended')
  expect(await again(4_711)).toBe('unknown')
})

test('a retried job is blocked by the active one of its concurrency key', async () => {
  const { database, enqueue, cancel, row, clock } = createTestQueue()
  const first = await enqueue({ concurrencyKey: 'a' })
  const second = await enqueue({ concurrencyKey: 'a' })
  await cancel(first)
  expect(await database.run(retry, { id: first, now: clock.now() })).toBe('retried')
  expect([row(first).state, row(second).state]).toEqual(['blocked', 'ready'])
})

test('a failed job whose dedupe key is taken again is not retried', async () => {
  const { database, enqueue, cancel, row, clock } = createTestQueue()
  const first = await enqueue({ dedupeKey: 'k' })
  await cancel(first)
  await enqueue({ dedupeKey: 'k' })
  const result = await database.run(retry, { id: first, now: clock.now() })
  expect([result, row(first).state]).toEqual(['busy', 'cancelled'])
})

test('prune deletes ended jobs of before the instant, so many at a time, and no others', async () => {
  const { database, enqueue, cancel, clock, states } = createTestQueue()
  for (let at = 0; at < 5; at++) await cancel(await enqueue())
  await enqueue()
  const endedBefore = clock.now() + 1
  expect(await database.run(prune, { endedBefore: clock.now(), limit: 10 })).toBe(0)
  expect(await database.run(prune, { endedBefore, limit: 3 })).toBe(3)
  expect(await database.run(prune, { endedBefore, limit: 3 })).toBe(2)
  expect(states()).toEqual(['ready'])
})
