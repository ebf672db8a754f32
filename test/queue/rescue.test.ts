import { expect, test } from 'bun:test'
import { MINUTE } from '#src/lib/time.ts'
import { claim } from '#src/queue/claim.ts'
import { heartbeat } from '#src/queue/heartbeat.ts'
import type { JobRow } from '#src/queue/row.ts'
import { createTestQueue, noting, settle } from '#test/support/test-queue.ts'

const LEASE_MS = 30_000

/** Takes a job as a worker would that then dies. */
async function takeAndDie({ database, clock }: ReturnType<typeof createTestQueue>) {
  const now = clock.now()
  const { rows } = await database.execute(claim, { kind: 'test', limit: 1, leaseMs: LEASE_MS, now })
  const [row] = rows as [JobRow]
  return row
}

test('at the start of the only server every running job is taken back at once', async () => {
  const test = createTestQueue()
  const runs: number[] = []
  test.kind({ run: async ({ claims }) => void runs.push(claims) })
  const id = await test.enqueue()
  await takeAndDie(test)
  await test.worker().start({ alone: true })
  await settle()
  expect(runs).toEqual([2])
  expect(test.row(id)).toMatchObject({ state: 'done', losses: 1, errors: 0 })
})

test('beside others only a lease that has run out is taken back, and on a timer', async () => {
  const test = createTestQueue()
  test.kind({ run: async () => {} })
  const id = await test.enqueue()
  await takeAndDie(test)
  await test.worker().start({ alone: false })
  await test.clock.advance(LEASE_MS - 1)
  expect(test.row(id)).toMatchObject({ state: 'running', claims: 1 })
  await test.clock.advance(10_001)
  await settle()
  expect(test.row(id)).toMatchObject({ state: 'done', claims: 2, losses: 1 })
})

test('a heartbeat keeps a long job with its worker', async () => {
  const test = createTestQueue()
  const { promise, resolve } = Promise.withResolvers<void>()
  test.kind({ run: () => promise })
  await test.worker().start({ alone: false })
  const id = await test.enqueue()
  await settle()
  await test.clock.advance(5 * MINUTE)
  expect(test.row(id)).toMatchObject({ state: 'running', claims: 1, losses: 0 })
  resolve()
  await settle()
  expect(test.row(id).state).toBe('done')
})

test('a worker that comes back after a pause takes its own jobs for alive', async () => {
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
  expect(test.row(id)).toMatchObject({ state: 'running', claims: 1, losses: 0 })
  resolve()
  await settle()
  expect(test.row(id).state).toBe('done')
})

test('a job lost three times fails, gives its reason, and its lane moves on', async () => {
  const test = createTestQueue()
  const ends: unknown[] = []
  test.kind({
    run: async () => {},
    ended: noting((job, end) => void ends.push([job.id, end.code])),
  })
  const poison = await test.enqueue({ lane: 'a' })
  const next = await test.enqueue({ lane: 'a' })
  for (let times = 1; times <= 3; times++) {
    expect(test.row(poison)).toMatchObject({ state: 'ready', losses: times - 1 })
    const { id } = await takeAndDie(test)
    expect(id).toBe(poison)
    await test.database.execute(test.queue.commands.rescue, {
      id,
      now: test.clock.now(),
      leasesUntil: Number.MAX_SAFE_INTEGER,
    })
  }
  expect(test.row(poison)).toMatchObject({
    state: 'failed',
    losses: 3,
    last_error: 'worker-lost: lost its worker 3 times',
  })
  expect(test.row(next).state).toBe('ready')
  expect(ends).toEqual([[poison, 'worker-lost']])
})

test('a job whose end cannot be written does not hold up the rescue of the others', async () => {
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

test('a heartbeat tells a worker which claims it kept, lost, or is to stop', async () => {
  const test = createTestQueue()
  const ids = [await test.enqueue(), await test.enqueue(), await test.enqueue()]
  const rows = [await takeAndDie(test), await takeAndDie(test), await takeAndDie(test)]
  await test.cancel(rows[1]?.id ?? 0)
  await test.database.execute(test.queue.commands.rescue, {
    id: rows[2]?.id ?? 0,
    now: test.clock.now(),
    leasesUntil: Number.MAX_SAFE_INTEGER,
  })
  const claims = rows.map((row) => ({ id: row.id, claims: row.claims }))
  const leaseUntil = test.clock.now() + 99_000
  const beats = await test.database.execute(heartbeat, { claims, leaseUntil })
  expect(beats).toEqual(['kept', 'stop', 'lost'])
  expect(test.row(ids[0] ?? 0).lease_until).toBe(leaseUntil)
})

test('a lease is over in the millisecond at which it ends, and not before', async () => {
  const test = createTestQueue()
  const id = await test.enqueue()
  const row = await takeAndDie(test)
  const until = row?.lease_until ?? 0
  const { rescue } = test.queue.commands
  const recover = (leasesUntil: number) =>
    test.database.execute(rescue, { id, now: leasesUntil, leasesUntil })
  expect(await recover(until - 1)).toBe(false)
  expect(test.row(id).state).toBe('running')
  expect(await recover(until)).toBe(true)
  expect(test.row(id)).toMatchObject({ state: 'ready', losses: 1, lease_until: null })
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
