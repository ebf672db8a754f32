import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { MINUTE } from '#src/lib/time.ts'
import { createPausedUntil, pauseProvider, takeProviderSlot } from '#src/queue/provider.ts'
import { createTestQueue, settle } from '#test/support/test-queue.ts'

test('while a provider is paused no job of its kinds is claimed, then they go on by themselves', async () => {
  const { kind, worker, enqueueAll, states, clock, database } = createTestQueue()
  kind({ provider: { name: 'gemini', rpm: 0 }, run: async () => {} })
  kind({ kind: 'sms', run: async () => {} })
  await worker({ pollMs: 10 * MINUTE }).start({ alone: true })
  await database.execute(pauseProvider, { name: 'gemini', until: clock.now() + 5_000 })
  await enqueueAll(['test', 'test', 'sms'].map((name) => ({ kind: name, body: {} })))
  await settle()
  expect(states()).toEqual(['ready', 'ready', 'done'])
  await clock.advance(4_999)
  expect(states()).toEqual(['ready', 'ready', 'done'])
  await clock.advance(1)
  await settle()
  expect(states()).toEqual(['done', 'done', 'done'])
})

test('a shorter pause does not end a longer one', async () => {
  const { database } = createTestQueue()
  const pausedUntil = createPausedUntil(database)
  expect(pausedUntil('gemini')).toBe(0)
  await database.execute(pauseProvider, { name: 'gemini', until: 9_000 })
  await database.execute(pauseProvider, { name: 'gemini', until: 4_000 })
  expect(pausedUntil('gemini')).toBe(9_000)
})

test('a job that waits out its deadline behind a paused provider fails, and its lane in order', async () => {
  const { kind, worker, enqueue, row, clock, database } = createTestQueue()
  const ends: unknown[] = []
  kind({
    provider: { name: 'gemini', rpm: 0 },
    run: async () => {},
    ended: (_tx, job, end) => void ends.push([job.id, end.cause]),
  })
  await database.execute(pauseProvider, { name: 'gemini', until: clock.now() + MINUTE })
  await worker().start({ alone: true })
  const first = await enqueue({ lane: 'a', deadlineAt: clock.now() + 10_000 })
  const second = await enqueue({ lane: 'a', deadlineAt: clock.now() + 11_000 })
  await clock.advance(10_500)
  expect([row(first).state, row(second).state]).toEqual(['failed', 'ready'])
  await clock.advance(1_000)
  expect(ends).toEqual([
    [first, 'deadline'],
    [second, 'deadline'],
  ])
})

test('claims keep to the calls a minute of their provider, without a poll', async () => {
  const { kind, worker, enqueueAll, clock } = createTestQueue()
  const calls: number[] = []
  kind({
    concurrency: 100,
    provider: { name: 'gemini', rpm: 60 },
    run: async () => void calls.push(clock.now()),
  })
  await worker({ pollMs: 10 * MINUTE }).start({ alone: true })
  await enqueueAll(Array.from({ length: 100 }, () => ({ kind: 'test', body: {} })))
  await settle()
  const start = clock.now()
  expect(calls).toHaveLength(6)
  await clock.advance(MINUTE)
  expect(calls).toHaveLength(66)
  await clock.advance(MINUTE)
  expect(calls).toHaveLength(100)
  expect(calls.at(-1)).toBe(start + 94_000)
})

test('in no minute are there more calls than the limit and a tenth, whenever they are asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2_000 }),
      fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 50, maxLength: 300 }),
      async (rpm, gaps) => {
        const { database, clock } = createTestQueue()
        const taken: number[] = []
        for (const gap of gaps) {
          clock.set(clock.now() + gap)
          const now = clock.now()
          const delayMs = await database.execute(takeProviderSlot, { name: 'p', rpm, now })
          if (delayMs === 0) taken.push(now)
          else {
            expect(delayMs).toBeGreaterThan(0)
            // And it is true: then, and not before, it is free.
            const early = { name: 'p', rpm, now: now + delayMs - 1 }
            expect(await database.execute(takeProviderSlot, early)).toBe(1)
          }
        }
        for (const from of taken) {
          const inMinute = taken.filter((at) => at >= from && at < from + MINUTE).length
          expect(inMinute).toBeLessThanOrEqual(rpm + Math.max(1, Math.floor(rpm / 10)))
        }
        database.close()
      },
    ),
    { numRuns: 20 },
  )
})

test('a clock set back by an hour does not stop the provider for an hour', async () => {
  const { database, clock } = createTestQueue()
  const take = (now: number) => database.execute(takeProviderSlot, { name: 'p', rpm: 10, now })
  expect(await take(clock.now())).toBe(0)
  expect(await take(clock.now() - 60 * MINUTE)).toBeLessThanOrEqual(6_000)
})
