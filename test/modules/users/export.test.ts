import { Database as Sqlite } from 'bun:sqlite'
import { expect, spyOn, test } from 'bun:test'
import { createTestApp } from '#test/support/test-app.ts'

/** More rooms than a page has, of more and of fewer messages than a page has. */
const ROOMS = 130

async function setUp() {
  const app = createTestApp()
  const one = await app.signIn()
  const { sqlite } = app.database
  const room = sqlite.query(`
    INSERT INTO chatrooms (id, user_id, title, title_folded, title_by, active_at, created_at, updated_at)
    VALUES (?1, ?2, 't', 't', 'nobody', ?3, 0, 0)`)
  const message = sqlite.query(`
    INSERT INTO messages (id, chatroom_id, position, final_revision, owner, role, content, status, created_at, completed_at)
    VALUES (?1, ?2, ?3, ?3, 'x', 'user', 'hello', 'complete', 0, 0)`)
  const entry = sqlite.query(
    "INSERT INTO audit_log (at, event, user_id, actor) VALUES (?1, 'login.succeeded', ?2, 'user')",
  )
  const ids: string[] = []
  for (let at = 0; at < ROOMS; at++) {
    // Many at one instant, as after a restore: the id decides then.
    room.run(`room-${at}`, one.userId, Math.floor(at / 60))
    entry.run(Math.floor(at / 60), one.userId)
    for (let position = 1; position <= (at % 40 === 0 ? 120 : at % 3); position++) {
      ids.push(`m-${at}-${position}`)
      message.run(`m-${at}-${position}`, `room-${at}`, position)
    }
  }
  return { ...app, one, ids }
}

test('every room, message and audit entry comes once, over all the pages', async () => {
  const { send, one, ids } = await setUp()
  const text = await (await send('GET', '/v1/user/me/export', one)).text()
  const lines = text
    .trim()
    .split('\n')
    .map((line): { type: string; id: string; chatroomId?: string } => JSON.parse(line))
  const of = (type: string) => lines.filter((line) => line.type === type)
  expect(
    of('message')
      .map(({ id }) => id)
      .sort(),
  ).toEqual(ids.toSorted())
  expect(new Set(of('chatroom').map(({ id }) => id)).size).toBe(ROOMS)
  expect(of('chatroom')).toHaveLength(ROOMS)
  // Its own beginning is written down too.
  expect(of('audit')).toHaveLength(ROOMS + 1)
})

test('no page of it sorts or walks what the pages before have told', async () => {
  const asked = spyOn(Sqlite.prototype, 'query')
  const { send, one, database } = await setUp()
  asked.mockClear()
  await (await send('GET', '/v1/user/me/export', one)).text()
  const statements = asked.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes('LIMIT'))
  asked.mockRestore()
  const plans = [...new Set(statements)].flatMap((sql) =>
    database.sqlite
      .prepare<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d+|\$\w+/g, "''")}`)
      .all()
      .map(({ detail }) => detail),
  )
  expect(plans.filter((detail) => /TEMP B-TREE|^SCAN/.test(detail))).toEqual([])
  expect(plans).toContainEqual(
    expect.stringContaining('messages_in_order (chatroom_id=? AND position>?)'),
  )
  expect(plans).toContainEqual(
    expect.stringContaining('chatrooms_of_user (user_id=? AND (active_at,id)>(?,?))'),
  )
})
