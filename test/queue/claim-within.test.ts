import { expect, test } from 'bun:test'
import { command } from '#src/database/command.ts'
import { effect } from '#src/queue/job.ts'
import { createTestQueue, gate, settle } from '#test/support/test-queue.ts'

test('a job is claimed in the commit that made it ready', async () => {
  const { kind, worker, enqueue, row } = createTestQueue()
  const finish = gate()
  kind({ run: () => finish.promise })
  await worker().start({ alone: true })
  await settle()
  expect(row(await enqueue())).toMatchObject({ state: 'running', claims: 1 })
  finish.resolve()
  await settle()
})

test('a job is claimed in that commit also where a neighbour throws', async () => {
  const { kind, worker, enqueue, row, database } = createTestQueue()
  const finish = gate()
  const fail = command('test.fail', () => () => {
    throw new Error('no')
  })
  kind({ run: () => finish.promise })
  await worker().start({ alone: true })
  await settle()
  const [before, id, after] = await Promise.allSettled([
    database.execute(fail, undefined),
    enqueue(),
    database.execute(fail, undefined),
  ])
  expect([before.status, after.status]).toEqual(['rejected', 'rejected'])
  expect(id.status === 'fulfilled' && row(id.value)).toMatchObject({ state: 'running', claims: 1 })
  finish.resolve()
  await settle()
})

test('the next job is claimed in the commit that ends the one before', async () => {
  const { kind, worker, enqueueAll, row, database } = createTestQueue()
  const tell = command('test.tell', () => (tx) => tx.notify('ended', undefined))
  kind({ concurrency: 1, run: async () => effect(tell, undefined) })
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
