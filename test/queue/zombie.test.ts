import { expect, test } from 'bun:test'
import { syncCommand } from '#src/database/command.ts'
import { MINUTE } from '#src/lib/time.ts'
import { claim } from '#src/queue/claim.ts'
import { effect } from '#src/queue/job.ts'
import type { JobRow } from '#src/queue/row.ts'
import { createWorker } from '#src/queue/worker.ts'
import { createTestQueue, noting, settle } from '#test/support/test-queue.ts'

const answer = syncCommand('test.answer', ({ sqlite }) => (_tx, name: string) => {
  sqlite.query('INSERT INTO providers (name) VALUES (?1)').run(name)
})

test('the result of a worker that lost its job is refused, whole', async () => {
  const test = createTestQueue()
  const zombie = Promise.withResolvers<void>()
  test.kind({
    run: async ({ claims }) => {
      if (claims === 1) await zombie.promise
      return effect(answer, `claim ${claims}`)
    },
  })
  // Two workers on one database; the first one's timers are of a clock that stands still: it is paused.
  const paused = { ...test.deps, clock: { ...test.clock, every: () => () => {} } }
  await createWorker(paused).start({ alone: false })
  const id = await test.enqueue({ lane: 'a' })
  await settle()
  expect(test.row(id)).toMatchObject({ state: 'running', claims: 1 })
  await test.worker().start({ alone: false })
  await test.clock.advance(MINUTE)
  await settle()
  expect(test.row(id)).toMatchObject({ state: 'done', claims: 2, losses: 1 })
  const ended = test.row(id)
  const next = await test.enqueue({ lane: 'a', dueAt: test.clock.now() + MINUTE })
  const last = await test.enqueue({ lane: 'a' })
  zombie.resolve()
  await settle()
  expect(test.database.sqlite.query('SELECT name FROM providers').all()).toEqual([
    { name: 'claim 2' },
  ])
  expect(test.row(id)).toEqual(ended)
  // Nor has it moved a lane that is not its own any more.
  expect([test.row(next).state, test.row(last).state]).toEqual(['ready', 'parked'])
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
  expect(test.row(id)).toMatchObject({ state: 'running', claims: 2, errors: 0 })
})

for (const as of ['done', 'ended', 'retry'] as const) {
  test(`the fence refuses '${as}' of an older claim`, async () => {
    const { enqueue, database, queue, clock, row, kind } = createTestQueue()
    kind({ run: async () => {}, ended: noting(() => expect.unreachable()) })
    const id = await enqueue()
    const take = { kind: 'test', limit: 1, leaseMs: 1, now: clock.now() }
    const [old] = (await database.execute(claim, take)).rows as [JobRow]
    const leasesUntil = Number.MAX_SAFE_INTEGER
    await database.execute(queue.commands.rescue, { id, now: clock.now(), leasesUntil })
    await database.execute(claim, take)
    const before = row(id)
    const end = { state: 'failed', cause: 'error', code: 'x', message: 'y' } as const
    const finish =
      as === 'retry'
        ? ({ as, dueAt: 0, countsError: true, error: 'z', claim: 'begun' } as const)
        : as === 'done'
          ? { as, effect: effect(answer, 'zombie') }
          : { as, end, effect: undefined }
    const input = { row: old, finish, now: clock.now() }
    expect(await database.execute(queue.commands.finish, input)).toBe(false)
    expect(row(id)).toEqual(before)
    expect(database.sqlite.query('SELECT name FROM providers').all()).toEqual([])
  })
}
