import { expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import { createTestQueue, settle } from '#test/support/test-queue.ts'

test('stop waits for the running jobs and takes no new ones', async () => {
  const { kind, worker, enqueue, row } = createTestQueue()
  const { promise, resolve } = Promise.withResolvers<void>()
  kind({ run: () => promise })
  const running = worker()
  await running.start({ alone: true })
  const first = await enqueue()
  await settle()
  let stopped = false
  const stop = running.stop(20 * SECOND).then(() => {
    stopped = true
  })
  const second = await enqueue()
  await settle()
  expect(stopped).toBe(false)
  resolve()
  await stop
  expect([row(first).state, row(second).state]).toEqual(['done', 'ready'])
})

test('what has not ended when the time is up is released with no error counted', async () => {
  const { kind, worker, enqueue, row, clock } = createTestQueue()
  const reasons: unknown[] = []
  kind({
    run: (_job, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          reject(new Error('aborted'))
        })
      }),
  })
  const running = worker()
  await running.start({ alone: true })
  const id = await enqueue()
  await settle()
  const stop = running.stop(20 * SECOND)
  await clock.advance(20 * SECOND - 1)
  expect(reasons).toEqual([])
  await clock.advance(1)
  await stop
  expect(reasons).toEqual(['drain'])
  expect(row(id)).toMatchObject({ state: 'ready', errors: 0, losses: 0, leaseUntil: null })
  expect(running.running).toBe(0)
})

test('releases a job whose handler ignores the abort signal, and refuses its result', async () => {
  const { kind, worker, enqueue, row, clock } = createTestQueue()
  const { promise, resolve } = Promise.withResolvers<void>()
  kind({ run: () => promise })
  const running = worker()
  await running.start({ alone: true })
  const id = await enqueue()
  await settle()
  const stop = running.stop(SECOND)
  await clock.advance(3 * SECOND)
  await stop
  expect(row(id)).toMatchObject({ state: 'ready', errors: 0 })
  resolve()
  await settle()
  expect(row(id)).toMatchObject({ state: 'ready', attempt: 1 })
})

test('jobs of a claim that was under way when stop was called are released', async () => {
  const { kind, worker, enqueue, row } = createTestQueue()
  let runs = 0
  kind({ run: async () => void runs++ })
  const running = worker()
  await running.start({ alone: true })
  const enqueued = enqueue()
  // The commit is under way; the claim it wakes will find the worker stopping.
  const id = await enqueued
  await running.stop(SECOND)
  await settle()
  // Its attempt counts as unused where the worker took it: the handler never ran.
  const { attempt, unusedAttempts } = row(id)
  expect(row(id)).toMatchObject({ state: 'ready', leaseUntil: null, errors: 0 })
  expect(unusedAttempts).toBe(attempt)
  expect(runs).toBe(0)
})
