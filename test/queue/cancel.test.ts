import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '#src/database/sqlite/open.ts'
import type { JobEnd, JobKind } from '#src/queue/job.ts'
import { createQueue } from '#src/queue/queue.ts'
import { createTestQueue, noting, settle } from '#test/support/test-queue.ts'

/** A handler that waits for its signal and records how it was aborted. */
function untilAborted(aborts: unknown[]): JobKind['run'] {
  return (_job, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborts.push(signal.reason)
        reject(signal.reason)
      })
    })
}

function start(path = ':memory:') {
  const test = createTestQueue({ path })
  const aborts: unknown[] = []
  const ends: [number, JobEnd['cause']][] = []
  test.kind({
    run: untilAborted(aborts),
    ended: noting((job, end) => void ends.push([job.id, end.cause])),
  })
  return { ...test, aborts, ends }
}

test('a ready job is cancelled at once and the next of its concurrency key becomes ready', async () => {
  const { enqueue, cancel, row, ends } = start()
  const first = await enqueue({ concurrencyKey: 'a' })
  const second = await enqueue({ concurrencyKey: 'a' })
  expect(await cancel(first)).toBe('cancelled')
  expect([row(first).state, row(second).state]).toEqual(['cancelled', 'ready'])
  expect(ends).toEqual([[first, 'stop']])
})

test('a blocked job is cancelled at once and the active one stays', async () => {
  const { enqueue, cancel, row, ends } = start()
  const first = await enqueue({ concurrencyKey: 'a' })
  const second = await enqueue({ concurrencyKey: 'a' })
  const third = await enqueue({ concurrencyKey: 'a' })
  expect(await cancel(second)).toBe('cancelled')
  expect([row(first).state, row(second).state, row(third).state]).toEqual([
    'ready',
    'cancelled',
    'blocked',
  ])
  expect(ends).toEqual([[second, 'stop']])
})

test('a blocked job that is cancelled does not start the one after it, while the active one runs', async () => {
  const { enqueue, cancel, row, worker } = start()
  await worker().start({ alone: true })
  const head = await enqueue({ concurrencyKey: 'a' })
  const second = await enqueue({ concurrencyKey: 'a' })
  const third = await enqueue({ concurrencyKey: 'a' })
  await settle()
  expect(await cancel(second)).toBe('cancelled')
  expect(row(third)).toMatchObject({ state: 'blocked', blockedBy: head })
})

test('a running job is aborted in the tick after the commit, with no timer', async () => {
  const { enqueue, cancel, row, worker, aborts, ends } = start()
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  expect(await cancel(id)).toBe('stopping')
  await settle()
  expect(aborts).toEqual(['stop'])
  expect(row(id).state).toBe('cancelled')
  expect(ends).toEqual([[id, 'stop']])
})

test('a job waiting for its retry is cancelled at once', async () => {
  const { enqueue, cancel, row, worker, kind } = createTestQueue()
  kind({ run: () => Promise.reject(new Error('no luck')) })
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  expect(await cancel(id)).toBe('cancelled')
  expect(row(id)).toMatchObject({ state: 'cancelled', rank: null })
})

test('a job that has ended, or never was, cannot be cancelled', async () => {
  const { enqueue, cancel, ends } = start()
  const id = await enqueue()
  await cancel(id)
  expect(await cancel(id)).toBe('ended')
  expect(await cancel(4_711)).toBe('ended')
  expect(ends).toHaveLength(1)
})

test('a stop that comes while the handler fails by itself is not lost to the retry', async () => {
  const { enqueue, cancel, row, worker, kind } = createTestQueue()
  const ends: string[] = []
  const { promise, reject } = Promise.withResolvers<void>()
  kind({ run: () => promise, ended: noting((_job, end) => void ends.push(end.cause)) })
  await worker().start({ alone: true })
  const id = await enqueue({ concurrencyKey: 'a' })
  const next = await enqueue({ concurrencyKey: 'a' })
  await settle()
  const cancelled = cancel(id)
  reject(new Error('by itself'))
  expect(await cancelled).toBe('stopping')
  await settle()
  expect(row(id).state).toBe('cancelled')
  expect(row(next).state).not.toBe('blocked')
  expect(ends[0]).toBe('stop')
})

test('a stop asked for by another process reaches the worker', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pollux-cancel-'))
  const path = join(folder, 'data.db')
  const { enqueue, row, worker, aborts, clock, database } = start(path)
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  const other = openDatabase(path)
  const elsewhere = createQueue({ clock })
  expect(await other.run(elsewhere.commands.cancel, { id, now: clock.now() })).toBe('stopping')
  other.close()
  expect(aborts).toEqual([])
  await clock.advance(500)
  await settle()
  expect(aborts).toEqual(['stop'])
  expect(row(id).state).toBe('cancelled')
  database.close()
  rmSync(folder, { recursive: true })
})

test('a stopped job whose worker died is cancelled when it is recovered', async () => {
  const { enqueue, cancel, row, worker, ends, deps, clock } = start()
  await worker().start({ alone: true })
  const id = await enqueue()
  await settle()
  deps.database.sqlite.query('UPDATE jobs SET stop_requested_at = ?1').run(clock.now())
  await createSecondWorker(deps)
  expect(row(id).state).toBe('cancelled')
  expect(ends).toEqual([[id, 'stop']])
  expect(await cancel(id)).toBe('ended')
})

async function createSecondWorker(deps: ReturnType<typeof createTestQueue>['deps']) {
  const { createWorker } = await import('#src/queue/worker.ts')
  await createWorker(deps).start({ alone: true })
  await settle()
}
