import { expect, test } from 'bun:test'
import { sql } from 'drizzle-orm'
import * as fc from 'fast-check'
import { statement } from '#src/database/statement.ts'
import { command } from '#src/database/steps.ts'
import { claim } from '#src/queue/claim.ts'
import type { Finish } from '#src/queue/finish.ts'
import { effect, type JobRow } from '#src/queue/job.ts'
import { heartbeat } from '#src/queue/recover.ts'
import { readJobs } from '#src/queue/stats.ts'
import { createQueueModel } from '#test/support/queue-model.ts'
import { createTestQueue, noting } from '#test/support/test-queue.ts'

const LEASE_MS = 1_000

const pick = fc.nat({ max: 30 })
const step = fc.oneof(
  fc.record({
    do: fc.constant('enqueue' as const),
    concurrencyKey: fc.option(fc.constantFrom('a', 'b', 'c')),
    owner: fc.constantFrom('x', 'y', 'z'),
    delayMs: fc.constantFrom(0, 0, 0, 400),
    deadlineMs: fc.option(fc.constantFrom(900, 5_000)),
    dedupeKey: fc.option(fc.constantFrom('k', 'l'), { freq: 2 }),
  }),
  fc.record({ do: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    do: fc.constant('finish' as const),
    pick,
    as: fc.constantFrom('done' as const, 'failed' as const),
  }),
  fc.record({
    do: fc.constant('retry' as const),
    pick,
    delayMs: fc.constantFrom(0, 500),
    countsError: fc.boolean(),
  }),
  fc.record({ do: fc.constant('heartbeat' as const), pick }),
  fc.record({ do: fc.constant('cancel' as const), pick }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 700 }) }),
  fc.record({ do: fc.constant('recover' as const) }),
  fc.record({ do: fc.constant('expire' as const) }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const insertEffect = statement<{ id: number }>(
  (p) => sql`INSERT INTO effects (job) VALUES (${p.id})`,
)
const answer = command('test.answer', function* (tx, id: number) {
  yield* tx.run(insertEffect, { id })
})

function start() {
  const real = createTestQueue()
  const model = createQueueModel()
  const { database, queue, clock } = real
  const ended: number[] = []
  real.kind({ run: async () => {}, ended: noting((job) => void ended.push(job.id)) })
  database.sqlite.run('CREATE TABLE effects (job INTEGER)')
  const jobs = () => database.read(readJobs, { limit: 1_000 })
  const keys = database.sqlite.query<{ last: number }, [string]>(
    'SELECT last FROM job_lanes WHERE lane = ?1',
  )
  const held: JobRow[] = []
  let served = -1

  const finish = (row: JobRow, how: Finish) =>
    database.run(queue.commands.finish, { job: row, finish: how, now: clock.now() })
  const at = <T>(list: T[], index: number) => list[index % Math.max(1, list.length)]

  async function take(one: Step) {
    const now = clock.now()
    switch (one.do) {
      case 'enqueue': {
        const { concurrencyKey, owner, dedupeKey } = one
        const dueAt = now + one.delayMs
        const deadlineAt = one.deadlineMs === null ? null : now + one.deadlineMs
        const [id] = await real.enqueueAll([
          {
            kind: 'test',
            body: {},
            owner,
            dueAt,
            ...(concurrencyKey === null ? {} : { concurrencyKey }),
            ...(deadlineAt === null ? {} : { deadlineAt }),
            ...(dedupeKey === null ? {} : { dedupeKey }),
          },
        ])
        expect(id !== undefined).toBe(model.accepts(dedupeKey))
        if (id !== undefined) model.enqueue({ id, concurrencyKey, dueAt, deadlineAt, dedupeKey })
        return
      }
      case 'claim': {
        const open = model.claimable(now).map(({ id }) => id)
        const input = { kind: 'test', limit: one.limit, leaseMs: LEASE_MS, now }
        const taken = (await database.run(claim, input)).rows
        expect(taken).toHaveLength(Math.min(one.limit, open.length))
        for (const row of taken) expect(open).toContain(row.id)
        const ranks = taken.map(({ rank }) => rank ?? -1).sort((a, b) => a - b)
        // No job is served before the rank that was served last: so no owner can push in for ever.
        expect(ranks[0] ?? served).toBeGreaterThanOrEqual(served)
        served = ranks.at(-1) ?? served
        for (const { id } of taken) model.claim(id, now + LEASE_MS)
        held.push(...taken)
        return
      }
      case 'finish': {
        const row = at(held, one.pick)
        if (!row) return
        const end = { state: 'failed', cause: 'error', code: 'x', message: 'y' } as const
        const how: Finish =
          one.as === 'done'
            ? { as: 'done', effect: effect(answer, row.id) }
            : { as: 'ended', end, effect: undefined }
        expect(await finish(row, how)).toBe(model.finish(row, one.as))
        return
      }
      case 'retry': {
        const row = at(held, one.pick)
        if (!row) return
        const dueAt = now + one.delayMs
        const { countsError } = one
        const again: Finish = { as: 'retry', attempt: 'begun', dueAt, countsError, error: 'again' }
        expect(await finish(row, again)).toBe(model.retry(row, dueAt, countsError))
        return
      }
      case 'heartbeat': {
        const row = at(held, one.pick)
        if (!row) return
        const leaseUntil = now + LEASE_MS
        const beats = await database.run(heartbeat, { attempts: [row], leaseUntil })
        expect(beats).toEqual([model.heartbeat(row, leaseUntil)])
        return
      }
      case 'cancel': {
        const job = at(model.list(), one.pick)
        if (job) expect(await real.cancel(job.id)).toBe(model.cancel(job.id))
        return
      }
      case 'advance':
        clock.set(now + one.ms)
        return
      case 'recover': {
        const input = { now, leasesUntil: now }
        for (const id of model.recover(now))
          expect(await database.run(queue.commands.recover, { id, ...input })).toBe(true)
        return
      }
      case 'expire':
        for (const id of model.expire(now))
          expect(await database.run(queue.commands.expire, { id, now })).toBe(true)
        return
    }
  }

  async function check() {
    const now = (await jobs()).reverse()
    const seen = now.map((row) => ({
      id: row.id,
      concurrencyKey: row.concurrencyKey,
      state: row.state,
      dueAt: row.dueAt,
      deadlineAt: row.deadlineAt,
      attempt: row.attempt,
      errors: row.errors,
      losses: row.losses,
      leaseUntil: row.leaseUntil,
      isStopping: row.stopRequestedAt !== null,
      dedupeKey: row.dedupeKey,
    }))
    expect(seen).toEqual(model.list())
    for (const key of ['a', 'b', 'c']) {
      const states = now.filter((row) => row.concurrencyKey === key).map(({ state }) => state)
      const active = states.filter((state) => state === 'ready' || state === 'running').length
      expect(active).toBeLessThanOrEqual(1)
      // A key whose active job ended without making the next ready would stand still for ever.
      if (states.includes('blocked')) expect(active).toBe(1)
      const line = now.filter((row) => row.concurrencyKey === key && row.endedAt === null)
      // Each is blocked by the one before it, the first is active, and the key names the last blocked one.
      expect(line.map(({ blockedBy }) => blockedBy)).toEqual([
        ...line.slice(0, 1).map(() => null),
        ...line.slice(0, -1).map(({ id }) => id),
      ])
      const last = line.length > 1 ? line.at(-1)?.id : undefined
      expect(keys.get(key)?.last).toBe(last)
    }
    for (const owner of ['x', 'y', 'z']) {
      const ranks = now
        .filter((row) => row.owner === owner && row.state === 'ready' && row.rank !== null)
        .map(({ rank }) => rank)
      expect(new Set(ranks).size).toBe(ranks.length)
    }
    const of = (...states: string[]) =>
      now.filter(({ state }) => states.includes(state)).map(({ id }) => id)
    const effects = database.sqlite
      .query<{ job: number }, []>('SELECT job FROM effects ORDER BY job')
      .all()
    // Exactly once: one effect for each done job, one end for each that failed or was cancelled.
    expect(effects.map(({ job }) => job)).toEqual(of('done'))
    expect(ended.toSorted((a, b) => a - b)).toEqual(of('failed', 'cancelled'))
  }

  return { take, check, close: () => database.close() }
}

test('whatever is done to it in whatever order, the queue does what the model does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }),
      async (steps) => {
        const run = start()
        try {
          for (const one of steps) {
            await run.take(one)
            await run.check()
          }
        } finally {
          run.close()
        }
      },
    ),
    { numRuns: 100 },
  )
}, 60_000)
