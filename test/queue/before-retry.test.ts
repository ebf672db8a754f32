import { expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import { type JobEnd, Snooze } from '#src/queue/job.ts'
import { createTestQueue, noting, settle } from '#test/support/test-queue.ts'

const SPENT: JobEnd = { state: 'failed', cause: 'error', code: 'spent', message: 'nothing is left' }

/** A kind whose handler throws these in turn and then waits for its abort, and what its hooks were asked. */
function setUp(faults: Error[], mayRetry = () => true) {
  const queue = createTestQueue()
  const asked: number[] = []
  const ends: string[] = []
  queue.kind({
    async run(_job, signal) {
      const fault = faults.shift()
      if (fault) throw fault
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw new Error('aborted')
    },
    beforeRetry: noting(({ attempt }) => {
      asked.push(attempt)
      return mayRetry() ? undefined : SPENT
    }),
    ended: noting((_job, { code }) => void ends.push(code)),
  })
  return { ...queue, asked, ends }
}

test('an error asks before its job is made ready again, a Snooze does not', async () => {
  const { worker, enqueue, row, clock, asked } = setUp([
    new Error('one'),
    new Snooze(SECOND),
    new Error('two'),
  ])
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  expect(asked).toEqual([1])
  await clock.advance(10 * SECOND)
  await settle()
  expect(asked).toEqual([1, 3])
  expect(row(id)).toMatchObject({ state: 'running', attempt: 4, unusedAttempts: 0, errors: 2 })
})

test('a job that may not be tried again fails in its place, with what its kind does at an end', async () => {
  const { worker, enqueue, row, ends } = setUp([new Error('one')], () => false)
  await worker().start({ alone: true })
  const [first, second] = [
    await enqueue({ concurrencyKey: 'room' }),
    await enqueue({ concurrencyKey: 'room' }),
  ]
  await settle()
  expect(row(first)).toMatchObject({ state: 'failed', lastError: 'spent: nothing is left' })
  expect(ends).toEqual(['spent'])
  expect(row(second).state).toBe('running')
})

test('a drain asks for what runs, and a claim that was snoozed unused does not count', async () => {
  const { worker, enqueue, row, clock, asked } = setUp([
    new Snooze(SECOND, 'paused', { unused: true }),
    new Snooze(SECOND, 'paused', { unused: true }),
  ])
  const running = worker()
  await running.start({ alone: true })
  const id = await enqueue()
  await settle()
  expect(row(id)).toMatchObject({ state: 'ready', attempt: 1, unusedAttempts: 1 })
  await clock.advance(SECOND)
  await settle()
  expect(row(id)).toMatchObject({ state: 'ready', attempt: 2, unusedAttempts: 2 })
  await clock.advance(SECOND)
  await settle()
  expect(asked).toEqual([])
  const stop = running.stop(0)
  await clock.advance(1)
  await stop
  expect(asked).toEqual([3])
  expect(row(id)).toMatchObject({ state: 'ready', attempt: 3, unusedAttempts: 2 })
})

test('a job whose stop was asked for is not asked about: it ends', async () => {
  const { worker, enqueue, row, clock, asked, database, queue } = setUp([])
  const running = worker()
  await running.start({ alone: true })
  const id = await enqueue()
  await settle()
  await database.run(queue.commands.cancel, { id, now: clock.now() })
  await settle()
  expect(asked).toEqual([])
  expect(row(id).state).toBe('cancelled')
})
