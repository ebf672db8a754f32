import { expect, test } from 'bun:test'
import { noMeters } from '#src/lib/meters.ts'
import { SECOND } from '#src/lib/time.ts'
import { RetryAfter, Snooze } from '#src/queue/job.ts'
import { createWorker } from '#src/queue/worker.ts'
import { createTestQueue, gate, settle } from '#test/support/test-queue.ts'

async function setUp() {
  const queue = createTestQueue()
  const waits: number[] = []
  const ends: string[] = []
  const meters = {
    ...noMeters,
    jobStarted: (_kind: string, waitMs: number) => void waits.push(waitMs),
    jobEnded: (_kind: string, outcome: string) => void ends.push(outcome),
  }
  const worker = createWorker({ ...queue.deps, meters })
  return { ...queue, waits, ends, start: () => worker.start({ alone: true }) }
}

test('the wait of a job is counted from its due time: the delay of a retry is none', async () => {
  const { kind, enqueue, clock, waits, ends, start } = await setUp()
  const faults = [new RetryAfter(7 * SECOND, 'busy', ''), new Snooze(20 * SECOND)]
  kind({
    run: async () => {
      const fault = faults.shift()
      if (fault) throw fault
    },
  })
  await start()
  await enqueue()
  await settle()
  await clock.advance(7 * SECOND)
  await settle()
  await clock.advance(20 * SECOND)
  await settle()
  expect(ends).toEqual(['retry', 'retry', 'done'])
  expect(waits).toEqual([0, 0, 0])
})

test('a job that finds no worker free has waited, and one for later has not', async () => {
  const { kind, enqueue, clock, waits, start } = await setUp()
  const first = gate()
  let runs = 0
  kind({ concurrency: 1, run: async () => (runs++ === 0 ? first.promise : undefined) })
  await start()
  await enqueue()
  await enqueue()
  await settle()
  await clock.advance(5 * SECOND)
  first.resolve()
  await settle()
  await enqueue({ dueAt: clock.now() + 9 * SECOND })
  await clock.advance(9 * SECOND)
  await settle()
  expect(waits).toEqual([0, 5 * SECOND, 0])
})
