import { expect, test } from 'bun:test'
import { HOUR, SECOND } from '#src/lib/time.ts'
import { pauseProvider } from '#src/queue/provider.ts'
import { setBack } from '#src/queue/set-back.ts'
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
  await database.execute(setBack, { byMs: HOUR, now })
  expect(dues()).toEqual([now + 5 * SECOND, now, now + HOUR])
})

test('a provider’s pause does not last until the clock has come back', async () => {
  const { database, sqlite, now } = setUp()
  sqlite.run(`INSERT INTO providers VALUES ('gemini', ?, ?)`, [now + HOUR + SECOND, now + HOUR])
  await database.execute(setBack, { byMs: HOUR, now })
  expect(sqlite.query('SELECT * FROM providers').all()).toEqual([
    { name: 'gemini', paused_until: now + SECOND, next_call_at: now },
  ])
})

test('a worker that starts sees by the newest job that the clock was set back meanwhile', async () => {
  const { clock, worker, enqueue, kind, states, database } = createTestQueue()
  kind({ run: async () => {}, provider: { name: 'gemini', rpm: 0 } })
  await enqueue({ dueAt: clock.now() + 5 * SECOND })
  await database.execute(pauseProvider, { name: 'gemini', until: clock.now() + 5 * SECOND })
  clock.set(clock.now() - HOUR)
  const late = worker()
  await late.start({ alone: true })
  await clock.advance(SECOND)
  expect(states()).toEqual(['ready'])
  await clock.advance(10 * SECOND)
  expect(states()).toEqual(['done'])
  await late.stop(0)
})
