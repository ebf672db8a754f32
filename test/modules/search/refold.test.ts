import { expect, test } from 'bun:test'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { FOLD_VERSION } from '#src/lib/fold.ts'
import type { Page } from '#src/lib/page.ts'
import type { SearchHit } from '#src/modules/search/model.ts'
import { NOON } from '#test/support/fake-clock.ts'
import { plantMessages } from '#test/support/plant-messages.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

/** More than one step takes. */
const MESSAGES = 2_500
const USER = '019a2c5e-8d21-7a11-8f00-5d2c7a9e4b10'

/** A file whose messages are in the index as an earlier fold made it. */
function oldDatabase() {
  const opened = openDatabase(':memory:')
  const { sqlite } = opened
  migrate(sqlite, { now: NOON })
  sqlite.run(
    'INSERT INTO users (id, phone, verified_at, created_at, updated_at) VALUES (?1, ?2, ?3, ?3, ?3)',
    [USER, '+4930901820', NOON],
  )
  const texts = Array.from({ length: MESSAGES }, (_, at) => `message m${at} about 北京旅游`)
  plantMessages(sqlite, { userId: USER, texts, title: 'Straße nach Łódź', now: NOON })
  sqlite.run('DELETE FROM search_pending')
  sqlite.run(
    "INSERT INTO messages_fts (rowid, words) SELECT key, '5d2c7a9e4b10' || content FROM messages",
  )
  return opened
}

async function upgraded() {
  const app = createTestApp({ searchesPerMinute: 1_000 }, { opened: oldDatabase() })
  const sessionId = app.random.id(NOON)
  app.database.sqlite.run(
    `INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at) VALUES (?1, ?2, ?3, ?3, ?4)`,
    [sessionId, USER, NOON, NOON + 1e9],
  )
  const mine = await app.services.tokens.sign({ userId: USER, sessionId })
  const find = async (q: string, who = mine) => {
    const page = await json<Page<SearchHit>>(
      app.send('GET', `/v1/search?limit=100&q=${encodeURIComponent(q)}`, { token: who }),
    )
    return page.items.map(({ snippet }) => snippet.split(' ')[1])
  }
  const rooms = async (q: string) =>
    (
      await json<Page<unknown>>(
        app.send('GET', `/v1/chatroom?q=${encodeURIComponent(q)}`, { token: mine }),
      )
    ).items.length
  return { ...app, find, rooms }
}

test('an upgrade indexes the messages of before in the background, the newest first, and folds the titles', async () => {
  const { services, database, find, rooms } = await upgraded()
  const { sqlite } = database
  expect(await find('m0')).toEqual([])
  expect(await rooms('strasse')).toBe(0)
  const waiting = sqlite.query<{ count: number }, []>(
    'SELECT count(*) AS count FROM search_pending',
  )
  await services.search.catchUp()
  expect(waiting.get()?.count).toBeLessThanOrEqual(1_000)
  // While it goes on, what is indexed already is found.
  expect((await find('北京'))[0]).toBe(`m${MESSAGES - 1}`)
  expect(await rooms('strasse lodz')).toBe(0)
  expect(await rooms('strasse nach lodz')).toBe(1)
  for (let runs = 0; runs < 20; runs++) await services.search.catchUp()
  expect(await find('m0')).toEqual(['m0'])
  expect(await find(`m${MESSAGES - 1}`)).toEqual([`m${MESSAGES - 1}`])
  expect(await find('北京 m1234')).toEqual(['m1234'])
  expect(sqlite.query('SELECT * FROM refolding ORDER BY what').all()).toEqual([
    { what: 'messages', version: FOLD_VERSION, place: null },
    { what: 'titles', version: FOLD_VERSION, place: null },
  ])
  const check = "INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)"
  expect(() => sqlite.run(check)).not.toThrow()
})

test('another version of the fold does the same again, and no message is found twice', async () => {
  const { services, database, find } = await upgraded()
  for (let runs = 0; runs < 20; runs++) await services.search.catchUp()
  database.sqlite.run('UPDATE refolding SET version = 0')
  await services.search.catchUp()
  expect(await find('北京')).toHaveLength(100)
  for (let runs = 0; runs < 20; runs++) await services.search.catchUp()
  for (const name of ['m0', 'm1234', `m${MESSAGES - 1}`]) expect(await find(name)).toEqual([name])
  expect(await find('北京 message m12')).toHaveLength(100)
})

test('a message that becomes final meanwhile is found at once', async () => {
  const { services, database, find } = await upgraded()
  await services.search.catchUp()
  plantMessages(database.sqlite, { userId: USER, texts: ['a newcomer'], now: NOON })
  expect(await find('newcomer')).toEqual(['newcomer'])
})
