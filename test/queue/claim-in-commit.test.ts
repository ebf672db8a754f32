import { expect, test } from 'bun:test'
import { command } from '#src/database/steps.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { effect } from '#src/queue/job.ts'
import { addProvider, createTestQueue, gate, noting, settle } from '#test/support/test-queue.ts'

test('a job is claimed in the commit that made it ready', async () => {
  const { kind, worker, enqueue, row } = createTestQueue()
  const finish = gate()
  kind({ run: () => finish.promise })
  await worker().start({ alone: true })
  await settle()
  expect(row(await enqueue())).toMatchObject({ state: 'running', attempt: 1 })
  finish.resolve()
  await settle()
})

test('a job is claimed in that commit also where a neighbour throws', async () => {
  const { kind, worker, enqueue, row, database } = createTestQueue()
  const finish = gate()
  const fail = command(
    'test.fail',
    noting(() => {
      throw new Error('no')
    }),
  )
  kind({ run: () => finish.promise })
  await worker().start({ alone: true })
  await settle()
  const [before, id, after] = await Promise.allSettled([
    database.run(fail, undefined),
    enqueue(),
    database.run(fail, undefined),
  ])
  expect([before.status, after.status]).toEqual(['rejected', 'rejected'])
  expect(id.status === 'fulfilled' && row(id.value)).toMatchObject({ state: 'running', attempt: 1 })
  finish.resolve()
  await settle()
})

test('the next job is claimed in the commit that ends the one before', async () => {
  const { kind, worker, enqueueAll, row, database } = createTestQueue()
  let count = 0
  const publish = command('test.publish', function* (tx) {
    yield* addProvider.steps(tx, `ended ${++count}`)
    tx.notify('ended', undefined)
  })
  kind({ concurrency: 1, run: async () => effect(publish, undefined) })
  const states: string[] = []
  await worker().start({ alone: true })
  database.notifications.subscribe('ended', () => states.push(row(2).state))
  await enqueueAll([
    { kind: 'test', body: {} },
    { kind: 'test', body: {} },
  ])
  await settle()
  expect(states).toEqual(['running', 'done'])
})

test('the slot of a job that was lost to another worker is filled with no commit to wait for and no poll', async () => {
  const { kind, worker, enqueueAll, row, database, clock } = createTestQueue()
  kind({
    concurrency: 1,
    run: ({ id }, signal) =>
      id === 1
        ? new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('let go')))
          })
        : Promise.resolve(),
  })
  await worker({ leaseMs: 3 * SECOND, pollMs: MINUTE }).start({ alone: true })
  await settle()
  await enqueueAll([
    { kind: 'test', body: {} },
    { kind: 'test', body: {} },
  ])
  await settle()
  expect([row(1).state, row(2).state]).toEqual(['running', 'ready'])
  database.sqlite.run('UPDATE jobs SET claims = claims + 1 WHERE id = 1')
  await clock.advance(SECOND + 1)
  await settle()
  expect([row(1).state, row(2).state]).toEqual(['running', 'done'])
})
