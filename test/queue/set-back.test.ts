import { expect, test } from 'bun:test'
import { HOUR, SECOND } from '#src/lib/time.ts'
import { setBack } from '#src/queue/set-back.ts'
import { createTestApp } from '#test/support/test-app.ts'

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
