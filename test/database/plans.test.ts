import { Database as Sqlite } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { noteStatements, walksOf } from '#test/support/plans.ts'
import { createTestChat } from '#test/support/test-chat.ts'

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
    const roomId = await chat.openRoom(token)
    const { reply } = await chat.prompt(token, roomId, 'Hello')
    await chat.final(token, roomId, reply.id)
    const room = `/v1/chatroom/${roomId}`
    const requests = [
      ['POST', `${room}/message`, 202, { userPrompt: 'Hi' }],
      ['GET', room, 200],
      ['PATCH', room, 200, { title: 'Trip' }],
      ['GET', `${room}/message`, 200],
      ['GET', `${room}/message/all`, 200],
      ['GET', `${room}/message/all?order=desc`, 200],
      ['GET', `${room}/message/${reply.id}`, 200],
      ['GET', '/v1/chatroom', 200],
      ['GET', '/v1/chatroom?q=trip', 200],
      ['GET', '/v1/user/me', 200],
      ['GET', '/v1/search?q=hello', 200],
      ['GET', '/v1/subscription/status', 200],
      ['GET', `${room}/events`, 200],
      ['POST', `${room}/message/${reply.id}/regenerate`, 202],
      ['POST', `${room}/message/${reply.id}/cancel`, 409],
      ['DELETE', room, 204],
    ] as const
    for (const [method, path, status, body] of requests) {
      const headers = method === 'POST' ? { 'idempotency-key': path } : {}
      const answer = await chat.send(method, path, { token, body, headers })
      expect([path, answer.status]).toEqual([path, status])
      await answer.body?.cancel()
    }
    // What the queue does by its timers.
    await chat.clock.advance(30_000)
    restore()
    expect(statements.size).toBeGreaterThan(60)
    expect([...statements].flatMap((sql) => walksOf(chat.database.sqlite, sql))).toEqual([])
    await chat.stop()
  } finally {
    restore()
  }
})
