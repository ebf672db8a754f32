import { Database as Sqlite } from 'bun:sqlite'
import { expect, spyOn, test } from 'bun:test'
import { createTestChat } from '#test/support/test-chat.ts'

/** What may be walked from end to end: it is small, or the index holds only what is asked for. */
const MAY_BE_SCANNED = [
  // Search: the rows of the full-text index that match.
  /VIRTUAL TABLE INDEX/,
  // Running jobs that were asked to stop: seldom one.
  /USING INDEX jobs_stopping/,
  // Once, at the start.
  /^SCAN (sqlite_schema|migrations)/,
  // Subqueries and lists that a statement made itself.
  /^SCAN (CONSTANT ROW|json_each|\(|\d)/,
]

test('no statement of a conversation walks a table from end to end', async () => {
  const prepared = [spyOn(Sqlite.prototype, 'prepare'), spyOn(Sqlite.prototype, 'query')]
  const chat = await createTestChat()
  const { token } = await chat.signIn()
  const roomId = await chat.openRoom(token)
  const { reply } = await chat.prompt(token, roomId, 'Where to?')
  await chat.final(token, roomId, reply.id)
  const path = `/v1/chatroom/${roomId}`
  for (const [method, url] of [
    ['GET', '/v1/user/me'],
    ['GET', '/v1/chatroom'],
    ['GET', '/v1/chatroom?q=trip'],
    ['GET', path],
    ['PATCH', path],
    ['GET', `${path}/message`],
    ['GET', `${path}/message/all`],
    ['GET', `${path}/message/all?order=desc`],
    ['GET', `${path}/message/${reply.id}`],
    ['GET', `${path}/events`],
    ['POST', `${path}/message/${reply.id}/cancel`],
    ['POST', `${path}/message/${reply.id}/regenerate`],
    ['GET', '/v1/search?q=where'],
    ['DELETE', path],
  ] as const) {
    const body = method === 'PATCH' ? { title: 'Trip' } : undefined
    const headers = { 'idempotency-key': `${method} ${url}`.replaceAll(/[^ -~]/g, '') }
    const answer = await chat.send(method, url, { token, body, headers })
    expect([url, answer.status < 500 && answer.status !== 404]).toEqual([url, true])
    await answer.body?.cancel()
  }
  await chat.clock.advance(30_000)
  const statements = new Set(prepared.flatMap(({ mock }) => mock.calls.map(([sql]) => sql)))
  for (const spy of prepared) spy.mockRestore()

  const asked = [...statements].filter((sql) =>
    /^\s*(select|insert|update|delete|with)\b/i.test(sql),
  )
  expect(asked.length).toBeGreaterThan(40)
  expect(asked.filter((sql) => sql.includes('"messages"')).length).toBeGreaterThan(5)
  const scans = asked.flatMap((sql) =>
    chat.database.sqlite
      .prepare<{ detail: string }, []>(
        `EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d*|\$\w+/g, 'NULL')}`,
      )
      .all()
      .filter(({ detail }) => detail.startsWith('SCAN'))
      .filter(({ detail }) => !MAY_BE_SCANNED.some((allowed) => allowed.test(detail)))
      .map(({ detail }) => `${detail}: ${sql.trim()}`),
  )
  expect(scans).toEqual([])
  await chat.stop()
}, 30_000)
