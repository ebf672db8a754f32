import { Database as Sqlite } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { createTestChat } from '#test/support/test-chat.ts'

/** Notes every statement prepared by whomever until `restore` is called. */
function noteStatements() {
  const { prepare, query } = Sqlite.prototype
  const statements = new Set<string>()
  const noting = <F extends (this: Sqlite, sql: string, ...rest: never[]) => unknown>(
    original: F,
  ) =>
    function (this: Sqlite, sql: string, ...rest: never[]) {
      statements.add(sql)
      return original.call(this, sql, ...rest)
    }
  Object.assign(Sqlite.prototype, { prepare: noting(prepare), query: noting(query) })
  return { statements, restore: () => Object.assign(Sqlite.prototype, { prepare, query }) }
}

// Small whatever the database holds: its own tables, and an index of the running jobs told to stop.
const SMALL =
  /^SCAN (CONSTANT ROW|\w+ VIRTUAL TABLE|sqlite_schema|migrations\b|jobs USING INDEX jobs_stopping)/

/** The steps that read a whole table or a whole index. */
function walksOf(sqlite: Sqlite, sql: string): string[] {
  if (!/^\s*(select|insert|update|delete|with)\b/i.test(sql)) return []
  const explain = sqlite.prepare<{ detail: string }, []>(
    `EXPLAIN QUERY PLAN ${sql.replaceAll(/[?$]\w*/g, 'NULL')}`,
  )
  const steps = explain.all()
  // SQLite takes the explanation of a write for a write in progress until it is finalized.
  explain.finalize()
  return steps
    .map(({ detail }) => detail)
    .filter((detail) => detail.startsWith('SCAN ') && !SMALL.test(detail))
    .map((detail) => `${detail}: ${sql.replaceAll(/\s+/g, ' ').slice(0, 200)}`)
}

test('a walk over a whole table is seen', () => {
  const sqlite = new Sqlite(':memory:')
  sqlite.run('CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)')
  expect(walksOf(sqlite, 'SELECT * FROM things WHERE id = ?')).toEqual([])
  expect(walksOf(sqlite, 'SELECT * FROM things WHERE name = $name')).toHaveLength(1)
})

test('no statement that a chat prepares walks a whole table', async () => {
  const { statements, restore } = noteStatements()
  try {
    const chat = await createTestChat({ settings: { autoTitle: true } })
    const { token } = await chat.signIn()
    const room = `/v1/chatroom/${await chat.openRoom(token)}`
    const post = (path: string, body?: object) =>
      chat.send('POST', room + path, { token, body, headers: { 'idempotency-key': path } })
    await post('/message', { userPrompt: 'Hi' })
    const { reply } = await chat.prompt(token, room.split('/')[3] ?? '', 'Hello')
    await chat.final(token, room.split('/')[3] ?? '', reply.id)
    for (const path of ['', '/message', '/message/all', `/message/${reply.id}`]) {
      expect((await chat.send('GET', room + path, { token })).status).toBe(200)
    }
    for (const path of [
      '/v1/chatroom',
      '/v1/user/me',
      '/v1/search?q=hello',
      '/v1/subscription/status',
    ]) {
      expect((await chat.send('GET', path, { token })).status).toBe(200)
    }
    expect((await post(`/message/${reply.id}/regenerate`)).status).toBe(202)
    await (await chat.send('GET', `${room}/events`, { token })).body?.cancel()
    expect((await chat.send('DELETE', room, { token })).status).toBe(204)
    restore()
    expect(statements.size).toBeGreaterThan(60)
    expect([...statements].flatMap((sql) => walksOf(chat.database.sqlite, sql))).toEqual([])
    await chat.stop()
  } finally {
    restore()
  }
})
