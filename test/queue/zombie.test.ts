import { expect, test } from 'bun:test'
import { MINUTE } from '#src/lib/time.ts'
import { claim } from '#src/queue/claim.ts'
import type { JobRow } from '#src/queue/job.ts'
import { effect } from '#src/queue/job.ts'
import { createWorker } from '#src/queue/worker.ts'
import { addProvider, createTestQueue, noting, settle } from '#test/support/test-queue.ts'

test('the result of a worker that lost its job is refused, whole', async () => {
  const test = createTestQueue()
  const zombie = Promise.withResolvers<void>()
  test.kind({
    run: async ({ attempt }) => {
      if (attempt === 1) await zombie.promise
      return effect(addProvider, `attempt ${attempt}`)
    },
  })
  // Two workers on one database; the first one's timers are of a clock that stands still: it is paused.
  const paused = { ...test.deps, clock: { ...test.clock, every: () => () => {} } }
  await createWorker(paused).start({ alone: false })
  const id = await test.enqueue({ concurrencyKey: 'a' })
  await settle()
  expect(test.row(id)).toMatchObject({ state: 'running', attempt: 1 })
  await test.worker().start({ alone: false })
  await test.clock.advance(MINUTE)
  await settle()
  expect(test.row(id)).toMatchObject({ state: 'done', attempt: 2, losses: 1 })
  const ended = test.row(id)
  const next = await test.enqueue({ concurrencyKey: 'a', dueAt: test.clock.now() + MINUTE })
  const last = await test.enqueue({ concurrencyKey: 'a' })
  zombie.resolve()
  await settle()
  expect(test.database.sqlite.query('SELECT name FROM providers').all()).toEqual([
    { name: 'attempt 2' },
  ])
  expect(test.row(id)).toEqual(ended)
  // Nor has it unblocked a job of the concurrency key, which is another's now.
  expect([test.row(next).state, test.row(last).state]).toEqual(['ready', 'blocked'])
})

test('a worker learns from its heartbeat that it lost a job, and aborts it at once', async () => {
  const test = createTestQueue()
  const aborts: unknown[] = []
  test.kind({
    run: (_job, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborts.push(signal.reason)
          reject(new Error('aborted'))
        })
      }),
  })
  await test.worker().start({ alone: false })
  const id = await test.enqueue()
  await settle()
  test.database.sqlite.run('UPDATE jobs SET claims = 2')
  await test.clock.advance(10_000)
  await settle()
  expect(aborts).toEqual(['lost'])
  expect(test.row(id)).toMatchObject({ state: 'running', attempt: 2, errors: 0 })
})

for (const as of ['done', 'ended', 'retry'] as const) {
  test(`'${as}' of an older attempt is refused`, async () => {
    const { enqueue, database, queue, clock, row, kind } = createTestQueue()
    kind({ run: async () => {}, ended: noting(() => expect.unreachable()) })
    const id = await enqueue()
    const take = { kind: 'test', limit: 1, leaseMs: 1, now: clock.now() }
    const [old] = (await database.run(claim, take)).rows as [JobRow]
    const leasesUntil = Number.MAX_SAFE_INTEGER
    await database.run(queue.commands.recover, { id, now: clock.now(), leasesUntil })
    await database.run(claim, take)
    const before = row(id)
    const end = { state: 'failed', cause: 'error', code: 'x', message: 'y' } as const
    const finish =
      as === 'retry'
        ? ({ as, dueAt: 0, countsError: true, error: 'z', attempt: 'begun' } as const)
        : as === 'done'
          ? { as, effect: effect(addProvider, 'zombie') }
          : { as, end, effect: undefined }
    const input = { job: old, finish, now: clock.now() }
    expect(await database.run(queue.commands.finish, input)).toBe(false)
    expect(row(id)).toEqual(before)
    expect(database.sqlite.query('SELECT name FROM providers').all()).toEqual([])
  })
}
