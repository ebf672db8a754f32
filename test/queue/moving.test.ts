import { expect, test } from 'bun:test'
import { hostWriter } from '#src/database/sqlite/writer-host.ts'
import { command } from '#src/database/steps.ts'
import { hostClaimer } from '#src/queue/claimer.ts'
import { effect } from '#src/queue/job.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { linkedPorts } from '#test/support/linked-threads.ts'
import { addProvider, createTestQueue, gate } from '#test/support/test-queue.ts'

/** A queue on a file, whose writer can be moved as the server does it. */
async function createMovingQueue() {
  const folder = await temporaryFolder()
  const queue = createTestQueue({ path: folder.file('data.db') })
  return {
    ...queue,
    move() {
      const [here, there] = linkedPorts()
      const host = hostWriter(folder.file('data.db'), there)
      hostClaimer(host, queue.clock)
      host.start()
      queue.database.moveWriter(here)
    },
    async [Symbol.asyncDispose]() {
      queue.database.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('a job is claimed in the commit that made it ready, and its end commits with its effect', async () => {
  await using moving = await createMovingQueue()
  const { kind, worker, enqueue, row, database } = moving
  const finish = gate()
  const ended = gate<unknown>()
  const publish = command('test.publish', function* (tx, text: string) {
    yield* addProvider.steps(tx, text)
    tx.notify('ended', text)
  })
  database.notifications.subscribe('ended', ended.resolve)
  kind({
    async run() {
      await finish.promise
      return effect(publish, 'published')
    },
  })
  moving.move()
  const running = worker()
  await running.start({ alone: true })
  const id = await enqueue()
  expect(row(id)).toMatchObject({ state: 'running', attempt: 1 })
  finish.resolve()
  expect(await ended.promise).toBe('published')
  expect(row(id).state).toBe('done')
  await running.stop(0)
  await database.bringWriterBack()
})

test('moved to and fro while jobs run, each runs once, no slot is lost and none is taken twice', async () => {
  await using moving = await createMovingQueue()
  const { kind, worker, enqueueAll, states, database } = moving
  const JOBS = 400
  const SLOTS = 3
  let now = 0
  let most = 0
  const runs: number[] = []
  const all = gate()
  kind({
    concurrency: SLOTS,
    async run({ id }) {
      now += 1
      most = Math.max(most, now)
      runs.push(id)
      await new Promise((resolve) => setImmediate(resolve))
      now -= 1
      if (runs.length === JOBS) all.resolve()
    },
  })
  const running = worker()
  await running.start({ alone: true })
  const key = (at: number) => (at % 3 === 0 ? { concurrencyKey: `room:${at % 5}` } : {})
  const jobs = Array.from({ length: JOBS }, (_, at) => ({ kind: 'test', body: {}, ...key(at) }))
  const added = enqueueAll(jobs)
  for (const seen of [40, 120, 200, 280]) {
    while (runs.length < seen) await new Promise((resolve) => setImmediate(resolve))
    if (database.thread) await database.bringWriterBack()
    else moving.move()
  }
  await added
  await all.promise
  await running.stop(1_000)
  expect(new Set(runs).size).toBe(JOBS)
  expect(runs).toHaveLength(JOBS)
  expect(most).toBe(SLOTS)
  expect(new Set(states())).toEqual(new Set(['done']))
  await database.bringWriterBack()
})

test('what becomes ready while the writer moves is claimed without a poll', async () => {
  await using moving = await createMovingQueue()
  const { kind, worker, enqueue, database } = moving
  const ran = gate()
  kind({ run: async () => ran.resolve() })
  const running = worker()
  await running.start({ alone: true })
  const added = enqueue()
  moving.move()
  await added
  await ran.promise
  await running.stop(0)
  await database.bringWriterBack()
})

test('stopped while its writer moves, a worker hands back what was claimed meanwhile', async () => {
  await using moving = await createMovingQueue()
  const { kind, worker, enqueueAll, states, database, clock } = moving
  kind({
    run: (_job, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('let go')))
      }),
  })
  const running = worker()
  await running.start({ alone: true })
  const added = enqueueAll(Array.from({ length: 5 }, () => ({ kind: 'test', body: {} })))
  moving.move()
  const stopped = running.stop(0)
  await clock.advance(1)
  await added
  await stopped
  expect(running.running).toBe(0)
  expect(new Set(states())).toEqual(new Set(['ready']))
  await database.bringWriterBack()
})
