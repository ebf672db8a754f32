import { expect, test } from 'bun:test'
import { createLog } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
import { Discard } from '#src/queue/job.ts'
import { createTestQueue, settle } from '#test/support/test-queue.ts'

test('what a job threw is kept as it would be logged: without the prompt and without phone numbers', async () => {
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
  expect(row(quoted)).toMatchObject({ state: 'failed', lastError: 'refused: [400 Bad Request]' })
  expect(row(called).lastError).toBe('refused: no answer from [phone]')
})

test('a queue that cannot be claimed from is logged once, and again after it could', async () => {
  const logged: unknown[] = []
  const log = createLog('error', { to: { write: (line) => logged.push(JSON.parse(line)) } })
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
  expect(logged).toMatchObject([{ msg: 'could not claim jobs', kind: 'test' }])
  database.sqlite.run('DROP TRIGGER refuse')
  await clock.advance(SECOND)
  expect(row(first).state).toBe('done')
  refuse()
  await enqueue()
  await clock.advance(10 * SECOND)
  expect(logged).toHaveLength(2)
})
