import { describe, expect, test } from 'bun:test'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { command } from '#src/database/steps.ts'
import { claim } from '#src/queue/claim.ts'
import { enqueue } from '#src/queue/enqueue.ts'
import type { NewJob } from '#src/queue/job.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { pollux } from '#test/support/terminal.ts'

const add = command('test.add', function* (tx, { jobs, now }: { jobs: NewJob[]; now: number }) {
  for (const job of jobs) yield* enqueue.steps(tx, { job, now })
})

async function setUp(jobs: NewJob[], now = 1_000) {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  await database.run(add, { jobs, now })
  database.close()

  const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${path}` }
  return {
    pollux: (...argv: string[]) => pollux(argv, environment),
    /** As a server beside it has it. */
    open: () => openDatabase(path),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  }
}

const room = (n: number): NewJob => ({ kind: 'test.reply', concurrencyKey: 'room', body: { n } })

describe('pollux jobs', () => {
  test('lists, filters and shows, for people and as JSON', async () => {
    await using terminal = await setUp([room(1), room(2), { kind: 'test.sms', body: null }])
    const { pollux } = terminal
    const all = await pollux('jobs', 'list')
    expect(all.code).toBe(0)
    expect(all.out).toMatch(/^id +kind +state/)
    expect(all.out.trim().split('\n')).toHaveLength(4)
    const blocked = await pollux('jobs', 'list', '--state', 'blocked', '--json')
    expect(JSON.parse(blocked.out)).toMatchObject([{ id: 2, state: 'blocked', body: { n: 2 } }])
    const limited = await pollux('jobs', 'list', '--kind', 'test.reply', '--limit', '1', '--json')
    expect(JSON.parse(limited.out)).toHaveLength(1)
    const one = await pollux('jobs', 'show', '1', '--json')
    expect(JSON.parse(one.out)).toMatchObject({ id: 1, created_at: '1970-01-01T00:00:01.000Z' })
  })

  test('cancels the active job of a concurrency key, whose next becomes ready, and retries it after that one', async () => {
    await using terminal = await setUp([room(1), room(2)])
    const { pollux } = terminal
    expect(await pollux('jobs', 'cancel', '1')).toMatchObject({ code: 0 })
    const states = async () => {
      const { out } = await pollux('jobs', 'list', '--json')
      return (JSON.parse(out) as { state: string }[]).map(({ state }) => state).reverse()
    }
    expect(await states()).toEqual(['cancelled', 'ready'])
    expect(await pollux('jobs', 'retry', '1')).toMatchObject({ code: 0 })
    expect(await states()).toEqual(['blocked', 'ready'])
  })

  test('writes down what an operator does to a job, and nothing of what was refused', async () => {
    await using terminal = await setUp([room(1)])
    const { pollux } = terminal
    await pollux('jobs', 'retry', '1')
    await pollux('jobs', 'cancel', '1')
    await pollux('jobs', 'cancel', '1')
    await pollux('jobs', 'retry', '1')
    await pollux('jobs', 'retry', '2')
    const { out } = await pollux('audit', '--json')
    const detail = { job: 1, kind: 'test.reply' }
    expect(JSON.parse(out)).toMatchObject([
      { event: 'job.retried', actor: 'operator', userId: null, detail },
      { event: 'job.cancelled', actor: 'operator', userId: null, detail },
    ])
    expect(JSON.parse(out)).toHaveLength(2)
  })

  test('cancels a running job by a stop request, which is audited as well', async () => {
    await using terminal = await setUp([room(1), room(2)])
    const { pollux, open } = terminal
    const database = open()
    const take = { kind: 'test.reply', limit: 1, leaseMs: 60_000, now: 2_000 }
    expect((await database.run(claim, take)).rows).toHaveLength(1)
    expect(await pollux('jobs', 'cancel', '1')).toMatchObject({ code: 0 })
    const shown = JSON.parse((await pollux('jobs', 'show', '1', '--json')).out)
    expect(shown).toMatchObject({ state: 'running', stop_requested_at: expect.any(String) })
    const { out } = await pollux('audit', '--json')
    expect(JSON.parse(out)).toMatchObject([
      { event: 'job.cancelled', actor: 'operator', detail: { job: 1, kind: 'test.reply' } },
    ])
    database.close()
  })

  test('a job that is given another chance has its errors, losses and deadline forgotten', async () => {
    await using terminal = await setUp([{ ...room(1), deadlineAt: 5_000 }])
    const { pollux, open } = terminal
    await pollux('jobs', 'cancel', '1')
    const database = open()
    database.sqlite.run('UPDATE jobs SET errors = 4, losses = 2, stop_requested_at = 3')
    database.close()
    expect(await pollux('jobs', 'retry', '1')).toMatchObject({ code: 0 })
    expect(JSON.parse((await pollux('jobs', 'show', '1', '--json')).out)).toMatchObject({
      ...{ state: 'ready', errors: 0, losses: 0 },
      ...{ deadline_at: null, stop_requested_at: null, ended_at: null },
    })
  })

  test('gives no other chance to a reply, whose end its reader has been told', async () => {
    const body = { replyId: '0199aaaa-0000-7000-8000-000000000000' }
    await using terminal = await setUp([{ kind: 'message.reply', concurrencyKey: 'room', body }])
    const { pollux } = terminal
    const early = await pollux('jobs', 'retry', '1')
    expect(early).toMatchObject({ code: 1 })
    expect(early.err).toContain('neither failed nor been cancelled')
    await pollux('jobs', 'cancel', '1')
    const refused = await pollux('jobs', 'retry', '1')
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.err).toContain('asked for anew')
    const shown = await pollux('jobs', 'show', '1', '--json')
    expect(JSON.parse(shown.out)).toMatchObject({ state: 'cancelled' })
  })

  test('counts what waits, how long the oldest does, and what ended lately', async () => {
    const jobs = [room(1), room(2), { kind: 'test.sms', body: null }]
    await using terminal = await setUp(jobs, Date.now() - 90_000)
    const { pollux } = terminal
    await pollux('jobs', 'cancel', '3')
    const { out } = await pollux('jobs', 'stats', '--json')
    const [reply, sms] = JSON.parse(out)
    expect(reply).toMatchObject({ kind: 'test.reply', blocked: 1, ready: 1, running: 0, done: 0 })
    expect(reply.oldestReadyMs).toBeWithin(90_000, 120_000)
    expect(sms).toMatchObject({ kind: 'test.sms', ready: 0, cancelled: 1, oldestReadyMs: null })
    const table = (await pollux('jobs', 'stats')).out
    expect(table).toMatch(/^test\.reply +1 +1 +0 +(9\d|1[01]\d) s +0 +0 +0$/m)
  })

  test('says no with exit code 1 and wrong usage with 2', async () => {
    await using terminal = await setUp([room(1)])
    const { pollux } = terminal
    expect(await pollux('jobs', 'show', '9')).toMatchObject({
      code: 1,
      err: 'There is no job 9.\n',
    })
    expect(await pollux('jobs', 'retry', '1')).toMatchObject({ code: 1 })
    expect((await pollux('jobs', 'retry', '1')).err).toContain('neither failed nor been cancelled')
    expect(await pollux('jobs', 'cancel', '9')).toMatchObject({ code: 1 })
    expect(await pollux('jobs', 'show', 'x')).toMatchObject({ code: 2 })
    expect((await pollux('jobs', 'list', '--state', 'odd')).err).toContain(
      'blocked, ready, running',
    )
    expect(await pollux('jobs', 'list', '--odd')).toMatchObject({ code: 2 })
  })
})
