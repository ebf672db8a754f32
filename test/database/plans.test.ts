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
