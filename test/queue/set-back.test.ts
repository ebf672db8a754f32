import { expect, test } from 'bun:test'
import { HOUR, SECOND } from '#src/lib/time.ts'
import { pauseModel, readPauses } from '#src/queue/provider-limits.ts'
import { setBack } from '#src/queue/recover.ts'
import { createTestApp } from '#test/support/test-app.ts'
import { createTestQueue } from '#test/support/test-queue.ts'

function setUp() {
  const { database, clock } = createTestApp()
  const { sqlite } = database
  const add = (turn: number | null, dueAt: number) =>
    sqlite.run(
      `INSERT INTO jobs (kind, state, turn, body, due_at, created_at) VALUES ('k', 'ready', ?, '{}', ?, 0)`,
      [turn, dueAt],
    )
  const dues = () =>
    sqlite
      .query<{ due: number }, []>('SELECT due_at AS due FROM jobs ORDER BY id')
      .all()
      .map(({ due }) => due)
  return { database, sqlite, now: clock.now(), add, dues }
}

test('what waits for an instant waits no longer than it did before the clock was set back', async () => {
  const { database, now, add, dues } = setUp()
  add(null, now + HOUR + 5 * SECOND)
  add(null, now + 2 * SECOND)
  add(1, now + HOUR)
  await database.run(setBack, { byMs: HOUR, now })
  expect(dues()).toEqual([now + 5 * SECOND, now, now + HOUR])
})

test('a provider’s pause does not last until the clock has come back', async () => {
  const { database, sqlite, now } = setUp()
  const provider = { name: 'gemini', account: 'key' }
  const pause = { model: 'm', reason: 'limited' as const, quotaId: null }
  const before = now + HOUR
  sqlite.run(`INSERT INTO providers VALUES ('gemini', ?)`, [before])
  await database.run(pauseModel, {
    ...provider,
    ...pause,
    until: before + SECOND,
    now: before,
  })
  await database.run(setBack, { byMs: HOUR, now })
  expect(sqlite.query('SELECT * FROM providers').all()).toEqual([
    { name: 'gemini', next_call_at: now },
  ])
  expect(await database.read(readPauses, { ...provider, now })).toMatchObject([
    { ...pause, until: now + SECOND },
  ])
})

test('a worker that starts sees by the newest job that the clock was set back meanwhile', async () => {
  const { clock, worker, enqueue, kind, states, database } = createTestQueue()
  kind({ run: async () => {}, provider: { name: 'gemini', account: 'key', rpm: 0 } })
  await enqueue({ dueAt: clock.now() + 5 * SECOND })
  const now = clock.now()
  const pause = { name: 'gemini', account: 'key', model: '', reason: 'key' as const, quotaId: null }
  await database.run(pauseModel, { ...pause, until: now + 5 * SECOND, now })
  clock.set(clock.now() - HOUR)
  const late = worker()
  await late.start({ alone: true })
  await clock.advance(SECOND)
  expect(states()).toEqual(['ready'])
  await clock.advance(10 * SECOND)
  expect(states()).toEqual(['done'])
  await late.stop(0)
})
