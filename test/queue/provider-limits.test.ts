import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { MINUTE } from '#src/lib/time.ts'
import {
  pauseModel,
  readPauses,
  resumeModels,
  returnProviderSlot,
  takeProviderSlot,
} from '#src/queue/provider-limits.ts'
import { createTestQueue, noting, settle } from '#test/support/test-queue.ts'

const KEY = { name: 'gemini', account: 'key' }
const refused = { ...KEY, model: '', reason: 'key' as const, quotaId: null }
const limited = { ...KEY, model: 'flash', reason: 'limited' as const, quotaId: null }

test('a refused key holds back the jobs that need it and no others, and only one job at a time tries it again', async () => {
  const { kind, worker, enqueueAll, states, clock, database } = createTestQueue()
  const tries: number[] = []
  kind({ provider: { ...KEY, rpm: 0 }, run: async () => void tries.push(clock.now()) })
  kind({ kind: 'sms', run: async () => {} })
  await worker({ pollMs: 10 * MINUTE }).start({ alone: true })
  const now = clock.now()
  await database.run(pauseModel, { ...refused, until: now + 5_000, now })
  await enqueueAll(['test', 'test', 'sms'].map((name) => ({ kind: name, body: {} })))
  await settle()
  expect(states()).toEqual(['ready', 'ready', 'done'])
  await clock.advance(4_999)
  expect(states()).toEqual(['ready', 'ready', 'done'])
  await clock.advance(1)
  await settle()
  expect(states()).toEqual(['done', 'ready', 'done'])
  await clock.advance(30_000)
  await settle()
  expect(states()).toEqual(['done', 'done', 'done'])
  expect(tries).toEqual([now + 5_000, now + 35_000])
})

test('a refused key holds nothing back once another key or address is set, or a call has succeeded', async () => {
  const { kind, worker, enqueue, row, clock, database } = createTestQueue()
  kind({ provider: { ...KEY, account: 'another', rpm: 0 }, run: async () => {} })
  kind({ kind: 'old', provider: { ...KEY, rpm: 0 }, run: async () => {} })
  const now = clock.now()
  await database.run(pauseModel, { ...refused, until: now + 5_000, now })
  await worker({ pollMs: 10 * MINUTE }).start({ alone: true })
  const [first, old] = [await enqueue(), await enqueue({ kind: 'old' })]
  await settle()
  expect([row(first).state, row(old).state]).toEqual(['done', 'ready'])
  await database.run(resumeModels, { name: 'gemini', model: '', kinds: ['old'], now })
  await settle()
  expect(row(old).state).toBe('done')
})

test('a pause of a model is not shortened, is bounded by us, and is forgotten with the key', async () => {
  const { database, clock } = createTestQueue()
  const now = clock.now()
  const until = async (account = 'key') =>
    (await database.read(readPauses, { ...KEY, account, now })).map((pause) => pause.until)
  expect(await until()).toEqual([])
  await database.run(pauseModel, { ...limited, until: now + 9_000, now })
  await database.run(pauseModel, { ...limited, until: now + 4_000, now })
  expect(await until()).toEqual([now + 9_000])
  await database.run(pauseModel, { ...limited, until: Number.MAX_SAFE_INTEGER, now })
  expect(await until()).toEqual([now + 5 * MINUTE])
  expect(await until('another')).toEqual([])
  await database.run(pauseModel, { ...limited, account: 'another', until: now + 1_000, now })
  expect(await until('another')).toEqual([now + 1_000])
})

test('lifting a pause wakes the jobs that wait for its end', async () => {
  const { kind, worker, enqueue, row, clock, database } = createTestQueue()
  kind({ provider: { ...KEY, rpm: 0 }, run: async () => {} })
  await worker({ pollMs: 10 * MINUTE }).start({ alone: true })
  const now = clock.now()
  await database.run(pauseModel, { ...limited, until: now + MINUTE, now })
  const id = await enqueue({ dueAt: now + MINUTE })
  await settle()
  const resume = { name: 'gemini', kinds: ['test'], now }
  expect(await database.run(resumeModels, { ...resume, model: 'pro' })).toBe(0)
  await settle()
  expect(row(id).state).toBe('ready')
  expect(await database.run(resumeModels, { ...resume, model: null })).toBe(1)
  await settle()
  expect(row(id).state).toBe('done')
})

test('the right to a call that was not made is there for the next job', async () => {
  const { database, clock } = createTestQueue()
  const input = () => ({ ...KEY, rpm: 10, now: clock.now() })
  const take = () => database.run(takeProviderSlot, input())
  expect([await take(), await take()]).toEqual([0, 6_000])
  await database.run(returnProviderSlot, input())
  expect([await take(), await take()]).toEqual([0, 6_000])
})

test('a job that waits out its deadline while a key is refused fails, and the next of its concurrency key after it', async () => {
  const { kind, worker, enqueue, row, clock, database } = createTestQueue()
  const ends: unknown[] = []
  kind({
    provider: { ...KEY, rpm: 0 },
    run: async () => {},
    ended: noting((job, end) => void ends.push([job.id, end.cause])),
  })
  const now = clock.now()
  await database.run(pauseModel, { ...refused, until: now + 20_000, now })
  await worker().start({ alone: true })
  const first = await enqueue({ concurrencyKey: 'a', deadlineAt: clock.now() + 10_000 })
  const second = await enqueue({ concurrencyKey: 'a', deadlineAt: clock.now() + 11_000 })
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
    provider: { ...KEY, rpm: 60 },
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
          const delayMs = await database.run(takeProviderSlot, { ...KEY, rpm, now })
          if (delayMs === 0) taken.push(now)
          else {
            expect(delayMs).toBeGreaterThan(0)
            // And it is true: then, and not before, it is free.
            const early = { ...KEY, rpm, now: now + delayMs - 1 }
            expect(await database.run(takeProviderSlot, early)).toBe(1)
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
  const take = (now: number) => database.run(takeProviderSlot, { ...KEY, rpm: 10, now })
  expect(await take(clock.now())).toBe(0)
  expect(await take(clock.now() - 60 * MINUTE)).toBeLessThanOrEqual(6_000)
})
