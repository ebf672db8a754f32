import { expect, test } from 'bun:test'
import { command } from '#src/database/steps.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { Discard, effect, RetryAfter, Snooze, Stopped } from '#src/queue/job.ts'
import { addProvider, createTestQueue, gate, noting, settle } from '#test/support/test-queue.ts'

test('a job is picked up on the commit that made it ready, with no poll', async () => {
  const { kind, worker, enqueue, row, clock } = createTestQueue()
  const seen: unknown[] = []
  kind({ run: async ({ body }) => void seen.push(body) })
  const started = worker()
  await started.start({ alone: true })
  const id = await enqueue({ body: { n: 1 } })
  await settle()
  // The clock never moved, so no timer fired.
  expect(clock.now()).toBe(row(id).createdAt)
  expect(seen).toEqual([{ n: 1 }])
  expect(row(id)).toMatchObject({ state: 'done', attempt: 1, errors: 0, leaseUntil: null })
})

test('the effect, the end and the next job of the concurrency key commit together', async () => {
  const { kind, worker, enqueue, row, database } = createTestQueue()
  const write = command('test.write', function* (tx, name: string) {
    yield* addProvider.steps(tx, name)
    states.push(row(first).state, row(second).state)
  })
  const states: string[] = []
  const finish = gate()
  kind({
    run: async ({ body }) => {
      if (body === 'second') return
      await finish.promise
      return effect(write, 'effect')
    },
  })
  await worker().start({ alone: true })
  const first = await enqueue({ concurrencyKey: 'a' })
  const second = await enqueue({ concurrencyKey: 'a', body: 'second' })
  await settle()
  expect([row(first).state, row(second).state]).toEqual(['running', 'blocked'])
  finish.resolve()
  await settle()
  expect(states).toEqual(['done', 'blocked'])
  expect(database.sqlite.query('SELECT name FROM providers').all()).toEqual([{ name: 'effect' }])
  expect([row(first).state, row(second).state]).toEqual(['done', 'done'])
})

test('a job that throws is tried again with backoff and fails at the fifth error', async () => {
  const { kind, worker, enqueue, row, clock } = createTestQueue()
  const ends: unknown[] = []
  kind({
    run: () => Promise.reject(new Error('no luck')),
    ended: noting((job, end) => void ends.push([job.id, end])),
  })
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  for (let errors = 1; errors < 5; errors++) {
    expect(row(id)).toMatchObject({ state: 'ready', errors, lastError: 'no luck' })
    expect(row(id).dueAt - clock.now()).toBeLessThanOrEqual(SECOND * 2 ** (errors - 1))
    await clock.advance(row(id).dueAt - clock.now() + 1)
    await settle()
  }
  expect(row(id)).toMatchObject({ state: 'failed', attempt: 5, lastError: 'error: no luck' })
  expect(ends).toEqual([
    [id, { state: 'failed', cause: 'error', code: 'error', message: 'no luck' }],
  ])
})

test('a retry is taken up the moment it falls due, with no poll', async () => {
  const { kind, worker, enqueue, row, clock } = createTestQueue()
  const runs: number[] = []
  kind({
    run: async () => {
      runs.push(clock.now())
      if (runs.length === 1) throw new Snooze(70)
    },
  })
  await worker({ pollMs: MINUTE }).start({ alone: true })
  const id = await enqueue()
  await settle()
  await clock.advance(70)
  await settle()
  expect(runs).toEqual([row(id).createdAt, row(id).createdAt + 70])
  expect(row(id)).toMatchObject({ state: 'done', errors: 0, attempt: 2 })
})

test('a job enqueued for later is taken up the moment it falls due', async () => {
  const { kind, worker, enqueue, row, clock } = createTestQueue()
  kind({ run: async () => {} })
  await worker({ pollMs: MINUTE }).start({ alone: true })
  const id = await enqueue({ dueAt: clock.now() + 1_234 })
  await settle()
  await clock.advance(1_233)
  expect(row(id).state).toBe('ready')
  await clock.advance(1)
  await settle()
  expect(row(id).state).toBe('done')
})

test('Discard fails at once, RetryAfter names the delay and counts an error', async () => {
  const { kind, worker, enqueue, row, clock } = createTestQueue()
  kind({
    run: ({ body }) =>
      Promise.reject(
        body === 'discard'
          ? new Discard('bad-key', 'the key is wrong')
          : new RetryAfter(7_000, 'overloaded', 'later'),
      ),
  })
  await worker().start({ alone: true })
  const discarded = await enqueue({ body: 'discard' })
  const later = await enqueue({ body: 'later' })
  await settle()
  expect(row(discarded)).toMatchObject({
    state: 'failed',
    lastError: 'bad-key: the key is wrong',
  })
  expect(row(later)).toMatchObject({ state: 'ready', errors: 1, dueAt: clock.now() + 7_000 })
})

test('a job ends rather than being tried again past its deadline', async () => {
  const { kind, worker, enqueue, row, clock } = createTestQueue()
  const causes: string[] = []
  kind({
    run: () => Promise.reject(new Snooze(5_000, 'slow down', { code: 'rate-limited' })),
    ended: noting((_job, end) => void causes.push(`${end.cause} ${end.code}`)),
  })
  await worker().start({ alone: true })
  const id = await enqueue({ deadlineAt: clock.now() + 12_000 })
  await settle()
  await clock.advance(4_999)
  expect(row(id)).toMatchObject({ state: 'ready', attempt: 1 })
  await clock.advance(6_000)
  expect(row(id)).toMatchObject({ state: 'failed', attempt: 3, errors: 0 })
  expect(causes).toEqual(['deadline rate-limited'])
})

test('Stopped ends a job as cancelled with the effect it carries', async () => {
  const { kind, worker, enqueue, cancel, row, database } = createTestQueue()
  kind({
    run: (_job, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () =>
          reject(new Stopped(effect(addProvider, signal.reason))),
        )
      }),
  })
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  expect(await cancel(id)).toBe('stopping')
  await settle()
  expect(row(id)).toMatchObject({ state: 'cancelled', lastError: 'cancelled: stopped on request' })
  expect(database.sqlite.query('SELECT name FROM providers').all()).toEqual([{ name: 'stop' }])
})

test('a body its kind cannot read fails the job and leaves the worker alive', async () => {
  const { kind, worker, enqueue, row } = createTestQueue()
  kind({
    parse: (body) => {
      if (body !== 'good') throw new TypeError('not good')
      return body
    },
    run: async () => {},
  })
  await worker().start({ alone: true })
  const bad = await enqueue({ body: 'bad', concurrencyKey: 'a' })
  const good = await enqueue({ body: 'good', concurrencyKey: 'a' })
  await settle()
  expect([row(bad).state, row(good).state]).toEqual(['failed', 'done'])
})

test('an effect that cannot be written is the job’s own error, and nothing of it is kept', async () => {
  const { kind, worker, enqueue, row, clock, database } = createTestQueue()
  const broken = command('test.broken', function* (tx) {
    yield* addProvider.steps(tx, 'half')
    throw new Error('the other half is missing')
  })
  kind({ run: async () => effect(broken, undefined) })
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  expect(row(id)).toMatchObject({ state: 'ready', errors: 1, leaseUntil: null })
  for (let errors = 1; errors < 5; errors++) {
    await clock.advance(MINUTE)
    await settle()
  }
  expect(row(id)).toMatchObject({ state: 'failed', lastError: 'error: the other half is missing' })
  expect(database.sqlite.query('SELECT name FROM providers').all()).toEqual([])
})

test('no more jobs of a kind run at once than its concurrency', async () => {
  const { kind, worker, enqueueAll, states } = createTestQueue()
  const finish = gate()
  let most = 0
  let now = 0
  kind({
    concurrency: 3,
    run: async () => {
      most = Math.max(most, ++now)
      await finish.promise
      now--
    },
  })
  await worker().start({ alone: true })
  await enqueueAll(Array.from({ length: 20 }, () => ({ kind: 'test', body: {} })))
  await settle()
  expect(states().filter((state) => state === 'running')).toHaveLength(3)
  finish.resolve()
  await settle()
  await settle()
  expect(most).toBe(3)
  expect(new Set(states())).toEqual(new Set(['done']))
})

test('a retry that would fall due in the millisecond of its deadline ends the job', async () => {
  const test = createTestQueue()
  test.kind({
    run: async () => {
      throw new RetryAfter(1_000, 'later', 'not yet')
    },
  })
  await test.worker().start({ alone: true })
  const now = test.clock.now()
  const at = await test.enqueue({ deadlineAt: now + 1_000 })
  const before = await test.enqueue({ deadlineAt: now + 1_001 })
  await settle()
  expect(test.row(at)).toMatchObject({ state: 'failed', lastError: 'later: not yet' })
  expect(test.row(before)).toMatchObject({ state: 'ready', dueAt: now + 1_000 })
})
