import { expect, test } from 'bun:test'
import type { Page } from '#src/lib/page.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { getWindow } from '#src/modules/messages/queries.ts'
import { toTitle } from '#src/modules/titles/title.ts'
import { NOON } from '#test/support/fake-clock.ts'
import { plantMessages } from '#test/support/plant-messages.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

/** An app, and how many commands each of its commits runs. */
function createCountingApp() {
  const app = createTestApp({ basicDailyPrompts: 10_000 })
  const { sqlite } = app.database
  /** Replies that are not final, seen at the end of each commit. */
  const left: number[] = []
  const pending = sqlite.query<{ count: number }, []>(
    'SELECT count(*) AS count FROM messages WHERE completed_at IS NULL',
  )
  app.database.beforeCommit(() => {
    left.push(pending.get()?.count ?? 0)
  })
  return { ...app, left }
}

async function withPending(count: number) {
  const app = createCountingApp()
  const { token, userId } = await app.signIn()
  const { id: roomId } = await json<Room>(app.send('POST', '/v1/chatroom', { token, body: {} }))
  for (let sent = 0; sent < count; sent++) {
    const body = { userPrompt: 'Hello' }
    await app.send('POST', `/v1/chatroom/${roomId}/message`, { token, body })
  }
  app.left.length = 0
  return { ...app, token, userId, roomId }
}

function mostOf(left: readonly number[]): number {
  return Math.max(...left.slice(1).map((count, at) => (left[at] ?? 0) - count))
}

test('a room in which fifty prompts wait is deleted twenty at a time, and each is given back', async () => {
  const { send, token, roomId, left, database } = await withPending(50)
  const answer = await send('DELETE', `/v1/chatroom/${roomId}`, { token })
  expect(answer.status).toBe(204)
  expect(mostOf(left)).toBe(20)
  expect(left.length).toBeGreaterThanOrEqual(3)
  expect((await send('GET', `/v1/chatroom/${roomId}`, { token })).status).toBe(404)
  const me = await json<{ quota: { used: number } }>(send('GET', '/v1/user/me', { token }))
  expect(me.quota.used).toBe(0)
  const active = "SELECT 1 FROM jobs WHERE kind = 'message.reply' AND ended_at IS NULL"
  expect(database.sqlite.query(active).get()).toBeNull()
})

test('an account for which fifty prompts wait is deleted twenty at a time', async () => {
  const { services, userId, left, database } = await withPending(50)
  expect(await services.users.erase(userId)).toBe(true)
  expect(mostOf(left)).toBeLessThanOrEqual(20)
  const active = "SELECT 1 FROM jobs WHERE kind = 'message.reply' AND ended_at IS NULL"
  expect(database.sqlite.query(active).get()).toBeNull()
  expect(await services.users.erase(userId)).toBe(false)
})

test('the filter of the rooms compares 2 000 titles for a page, and goes on at its cursor', async () => {
  const app = createTestApp()
  const { token, userId } = await app.signIn()
  const { sqlite } = app.database
  const insert = sqlite.prepare(`
    INSERT INTO chatrooms (id, user_id, title, title_folded, title_by, active_at, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?3, 'person', ?4, ?4, ?4)`)
  sqlite.transaction(() => {
    for (let at = 0; at < 5_000; at++) {
      const title = at % 2_500 === 0 ? 'needle' : 'a'.repeat(200)
      insert.run(Bun.randomUUIDv7(), userId, title, NOON + at)
    }
  })()
  const pages: string[][] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = `q=NEEDLE&limit=100${cursor && `&cursor=${cursor}`}`
    const page: Page<Room> = await json(app.send('GET', `/v1/chatroom?${query}`, { token }))
    pages.push(page.items.map(({ title }) => title))
    cursor = page.nextCursor
  }
  expect(pages).toEqual([[], ['needle'], ['needle']])
  // Without a filter a page is full, and the last one ends the list.
  const all = await json<Page<Room>>(app.send('GET', '/v1/chatroom?limit=100', { token }))
  expect(all.items).toHaveLength(100)
  const few = await json<Page<Room>>(app.send('GET', '/v1/chatroom?limit=1&q=needle', { token }))
  expect(few.items).toEqual([])
})

test('the window of a room of one-letter messages holds 200 exchanges, however many fit', async () => {
  const app = createTestApp()
  const { userId } = await app.signIn()
  const { sqlite } = app.database
  const texts = Array.from({ length: 1_000 }, () => 'a')
  const roomId = plantMessages(sqlite, { userId, texts, now: NOON })
  sqlite.run('UPDATE messages SET position = -2 * position')
  sqlite.run('UPDATE messages SET position = -position')
  sqlite.run(`
    INSERT INTO messages (id, chatroom_id, position, final_revision, owner, role, content, status, reply_to, context_messages, created_at, completed_at)
    SELECT 'r' || key, chatroom_id, position + 1, position + 1, owner, 'assistant', 'b', 'complete', id, 2000, created_at, completed_at
    FROM messages`)
  const asked = { roomId, before: 1e9, system: '', prompt: 'a', budget: 8_000 }
  const { turns } = await app.database.read(getWindow, asked)
  expect(turns).toHaveLength(400)
})

test('a title is looked for in the beginning of an answer only', () => {
  // The square of a million would take minutes.
  expect(toTitle(`a${'"'.repeat(1_000_000)}a`)).toBe('a')
  expect(
    toTitle(`${'\n'.repeat(1_000)}${' '.repeat(1_000)}Bergen"\n${'x\n'.repeat(100_000)}`),
  ).toBe('Bergen')
})

test('a refusal is no longer than what it tells, however long and deep the names of a body are', async () => {
  const { send } = createTestApp()
  const faults = Array.from({ length: 20 }, (_, at) => `"${at}":"\\u0000"`).join(',')
  const nested = (name: string) => `${`{"${name}":`.repeat(30)}{${faults}}${'}'.repeat(30)}`
  const unknown = Array.from({ length: 20 }, (_, at) => `"${at}${'~'.repeat(3_000)}":1`).join(',')
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const bodies: [body: string, headers?: Record<string, string>][] = [
    [nested('a'.repeat(2_000))],
    [nested('~'.repeat(2_000))],
    [nested('\\u0001'.repeat(300))],
    [nested('é😀'.repeat(300))],
    [`{${unknown}}`],
    [`${'~'.repeat(60_000)}=%00`, form],
    [`${Array.from({ length: 20 }, (_, at) => `${at}${'%2F'.repeat(900)}=%00`).join('&')}`, form],
  ]
  for (const [body, headers = {}] of bodies) {
    const answer = await send('POST', '/v1/auth/signup', { body, headers })
    const text = await answer.text()
    expect([body.slice(0, 9), answer.status, text.isWellFormed()]).toEqual([
      body.slice(0, 9),
      422,
      true,
    ])
    // Twenty pointers of 200 characters, of which a control character is written as six.
    expect(text.length).toBeLessThan(20 * (6 * 200 + 100))
  }
})
