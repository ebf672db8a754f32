import { expect, test } from 'bun:test'
import { MINUTE } from '#src/lib/time.ts'
import { claim } from '#src/queue/claim.ts'
import type { JobRow } from '#src/queue/job.ts'
import { heartbeat } from '#src/queue/recover.ts'
import { createTestQueue, noting, settle } from '#test/support/test-queue.ts'

const LEASE_MS = 30_000

/** Takes a job as a worker would that then dies. */
async function takeAndDie({ database, clock }: ReturnType<typeof createTestQueue>) {
  const now = clock.now()
  const { rows } = await database.run(claim, { kind: 'test', limit: 1, leaseMs: LEASE_MS, now })
  const [row] = rows as [JobRow]
  return row
}

test('at the start of the only server every running job is recovered at once', async () => {
  const test = createTestQueue()
  const runs: number[] = []
  test.kind({ run: async ({ attempt }) => void runs.push(attempt) })
  const id = await test.enqueue()
  await takeAndDie(test)
  await test.worker().start({ alone: true })
  await settle()
  expect(runs).toEqual([2])
  expect(test.row(id)).toMatchObject({ state: 'done', losses: 1, errors: 0 })
})

test('beside other servers only a job whose lease has expired is recovered, by a timer', async () => {
  const test = createTestQueue()
  test.kind({ run: async () => {} })
  const id = await test.enqueue()
  await takeAndDie(test)
  await test.worker().start({ alone: false })
  await test.clock.advance(LEASE_MS - 1)
  expect(test.row(id)).toMatchObject({ state: 'running', attempt: 1 })
  await test.clock.advance(10_001)
  await settle()
  expect(test.row(id)).toMatchObject({ state: 'done', attempt: 2, losses: 1 })
})

test('a heartbeat keeps a long job with its worker', async () => {
  const test = createTestQueue()
  const { promise, resolve } = Promise.withResolvers<void>()
  test.kind({ run: () => promise })
  await test.worker().start({ alone: false })
  const id = await test.enqueue()
  await settle()
  await test.clock.advance(5 * MINUTE)
  expect(test.row(id)).toMatchObject({ state: 'running', attempt: 1, losses: 0 })
  resolve()
  await settle()
  expect(test.row(id).state).toBe('done')
})

test('a worker that comes back after a pause keeps its own jobs', async () => {
  const test = createTestQueue()
  const { promise, resolve } = Promise.withResolvers<void>()
  test.kind({ run: () => promise })
  await test.worker().start({ alone: false })
  const id = await test.enqueue()
  await settle()
  // As after SIGSTOP and SIGCONT: the time has passed and no timer fired meanwhile.
  test.clock.set(test.clock.now() + 10 * MINUTE)
  await test.clock.advance(1)
  await settle()
  expect(test.row(id)).toMatchObject({ state: 'running', attempt: 1, losses: 0 })
  resolve()
  await settle()
  expect(test.row(id).state).toBe('done')
})

test('a job lost three times fails, gives its reason, and the next of its concurrency key becomes ready', async () => {
  const test = createTestQueue()
  const ends: unknown[] = []
  test.kind({
    run: async () => {},
    ended: noting((job, end) => void ends.push([job.id, end.code])),
  })
  const poison = await test.enqueue({ concurrencyKey: 'a' })
  const next = await test.enqueue({ concurrencyKey: 'a' })
  for (let times = 1; times <= 3; times++) {
    expect(test.row(poison)).toMatchObject({ state: 'ready', losses: times - 1 })
    const { id } = await takeAndDie(test)
    expect(id).toBe(poison)
    await test.database.run(test.queue.commands.recover, {
      id,
      now: test.clock.now(),
      leasesUntil: Number.MAX_SAFE_INTEGER,
    })
  }
  expect(test.row(poison)).toMatchObject({
    state: 'failed',
    losses: 3,
    lastError: 'worker-lost: lost its worker 3 times',
  })
  expect(test.row(next).state).toBe('ready')
  expect(ends).toEqual([[poison, 'worker-lost']])
})

test('a job whose end cannot be written does not hold up the recovery of the others', async () => {
  const test = createTestQueue()
  test.kind({
    run: async () => {},
    ended: noting(({ body }) => {
      if (body === 'poison') throw new Error('cannot end')
    }),
  })
  const poison = await test.enqueue({ body: 'poison', deadlineAt: test.clock.now() + 1 })
  const good = await test.enqueue({ body: 'good' })
  await takeAndDie(test)
  await takeAndDie(test)
  test.clock.set(test.clock.now() + 1)
  await test.worker().start({ alone: true })
  await settle()
  expect(test.row(good).state).toBe('done')
  expect(test.row(poison).state).toBe('running')
})

test('a heartbeat says which jobs a worker kept, lost, or is to stop', async () => {
  const test = createTestQueue()
  const ids = [await test.enqueue(), await test.enqueue(), await test.enqueue()]
  const rows = [await takeAndDie(test), await takeAndDie(test), await takeAndDie(test)]
  await test.cancel(rows[1]?.id ?? 0)
  await test.database.run(test.queue.commands.recover, {
    id: rows[2]?.id ?? 0,
    now: test.clock.now(),
    leasesUntil: Number.MAX_SAFE_INTEGER,
  })
  const attempts = rows.map(({ id, attempt }) => ({ id, attempt }))
  const leaseUntil = test.clock.now() + 99_000
  const beats = await test.database.run(heartbeat, { attempts, leaseUntil })
  expect(beats).toEqual(['kept', 'stop', 'lost'])
  expect(test.row(ids[0] ?? 0).leaseUntil).toBe(leaseUntil)
})

test('a lease expires in the millisecond at which it ends, and not before', async () => {
  const test = createTestQueue()
  const id = await test.enqueue()
  const row = await takeAndDie(test)
  const until = row?.leaseUntil ?? 0
  const { recover } = test.queue.commands
  const recoverAt = (leasesUntil: number) =>
    test.database.run(recover, { id, now: leasesUntil, leasesUntil })
  expect(await recoverAt(until - 1)).toBe(false)
  expect(test.row(id).state).toBe('running')
  expect(await recoverAt(until)).toBe(true)
  expect(test.row(id)).toMatchObject({ state: 'ready', losses: 1, leaseUntil: null })
})

test('a stop request that only a heartbeat brings aborts the job', async () => {
  const test = createTestQueue()
  const reasons: unknown[] = []
  test.kind({
    run: (_job, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          reject(new Error('aborted'))
        })
      }),
  })
  // Its poll, which looks for stop requests as well, comes too late.
  await test.worker({ leaseMs: 3_000, pollMs: MINUTE }).start({ alone: false })
  const id = await test.enqueue()
  await settle()
  test.database.sqlite.run('UPDATE jobs SET stop_requested_at = 1')
  await test.clock.advance(1_000)
  await settle()
  expect(reasons).toEqual(['stop'])
  expect(test.row(id).state).toBe('cancelled')
})
