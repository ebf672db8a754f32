import { expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import { effect } from '#src/queue/job.ts'
import { addProvider, createTestQueue, settle } from '#test/support/test-queue.ts'

test('an end that cannot be written for a while is written five times before the work is done again', async () => {
  const { kind, worker, enqueue, row, clock, database } = createTestQueue()
  let runs = 0
  kind({
    run: async () => {
      runs += 1
      // As on a file system that has become read-only.
      database.sqlite.run('PRAGMA query_only = ON')
      return effect(addProvider, 'effect')
    },
  })
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  for (let second = 0; second < 3; second++) {
    expect(row(id)).toMatchObject({ state: 'running', attempt: 1 })
    await clock.advance(SECOND)
  }
  expect(row(id).state).toBe('running')
  database.sqlite.run('PRAGMA query_only = OFF')
  await clock.advance(SECOND)
  await settle()
  expect(row(id)).toMatchObject({ state: 'done', attempt: 1, errors: 0 })
  expect(database.sqlite.query('SELECT name FROM providers').all()).toEqual([{ name: 'effect' }])
  expect(runs).toBe(1)
})
