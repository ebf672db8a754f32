import { expect, test } from 'bun:test'
import { createLog } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
import { Discard } from '#src/queue/job.ts'
import { createTestQueue, settle } from '#test/support/test-queue.ts'

test('what a job threw is kept as the log would tell it: without what was asked and by whom', async () => {
  const { kind, worker, enqueue, row } = createTestQueue()
  kind({
    run: async ({ body }) => {
      throw new Discard('refused', String(body))
    },
  })
  await worker().start({ alone: true })
  const quoted = await enqueue({ body: '[400 Bad Request] what she asked in confidence' })
  const called = await enqueue({ body: 'no answer from +49 151 12345678' })
  await settle()
  expect(row(quoted)).toMatchObject({ state: 'failed', last_error: 'refused: [400 Bad Request]' })
  expect(row(called).last_error).toBe('refused: no answer from [phone]')
})

test('a queue that cannot be claimed from is told of once, and again after it could', async () => {
  const told: unknown[] = []
  const log = createLog('error', { to: { write: (line) => told.push(JSON.parse(line)) } })
  const { kind, worker, enqueue, row, clock, database } = createTestQueue({ log })
  kind({ run: async () => {} })
  await worker().start({ alone: true })
  const refuse = () =>
    database.sqlite.run(
      "CREATE TRIGGER refuse BEFORE UPDATE ON jobs BEGIN SELECT raise(ABORT, 'not now'); END",
    )
  refuse()
  const first = await enqueue()
  await clock.advance(10 * SECOND)
  expect(told).toMatchObject([{ msg: 'could not claim jobs', kind: 'test' }])
  database.sqlite.run('DROP TRIGGER refuse')
  await clock.advance(SECOND)
  expect(row(first).state).toBe('done')
  refuse()
  await enqueue()
  await clock.advance(10 * SECOND)
  expect(told).toHaveLength(2)
})
