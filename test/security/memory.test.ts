import { describe, expect, test } from 'bun:test'
import { PAGE_TEXT_BYTES, takeRows } from '#src/lib/page.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Message } from '#src/modules/messages/model.ts'
import { createLongRoom } from '#test/support/messages.ts'
import { json } from '#test/support/test-app.ts'

const MIB = 1024 * 1024
const MESSAGES = 40
/** What a page holds beside its texts. */
const OVERHEAD_BYTES = 64 * 1024

interface Page {
  items: Message[]
  nextCursor: string | null
}

describe('A page of messages holds at most 256 KB of text', () => {
  test.each([
    ['Latin letters', 'a'],
    ['Chinese characters', '漢'],
    ['emoji', '😀'],
    ['control characters, which JSON writes as six bytes', '\u0001'],
    ['quotes and backslashes', '"\\'],
  ])('of %s, and its cursors lead to every message', async (_name, unit) => {
    const { one, get, path, fill } = await createLongRoom()
    fill(Array.from({ length: MESSAGES }, (_, at) => `${at}:`.padEnd(32_000, unit)))
    for (const order of ['asc', 'desc']) {
      const seen: number[] = []
      let cursor = ''
      for (let pages = 0; pages <= MESSAGES; pages++) {
        const answer = await get(one, `${path}/message/all?limit=100&order=${order}${cursor}`)
        const text = await answer.text()
        expect(Buffer.byteLength(text)).toBeLessThan(PAGE_TEXT_BYTES + OVERHEAD_BYTES)
        const { items, nextCursor }: Page = JSON.parse(text)
        expect(items.length).toBeGreaterThan(0)
        seen.push(...items.map(({ content }) => Number.parseInt(content, 10)))
        if (nextCursor === null) break
        cursor = `&cursor=${nextCursor}`
      }
      const all = Array.from({ length: MESSAGES }, (_, at) => at)
      expect(seen).toEqual(order === 'asc' ? all : all.toReversed())
    }
  })

  test('and one message that is longer comes alone', async () => {
    const { one, get, path, fill } = await createLongRoom()
    const texts = ['short', 'x'.repeat(MIB), 'short too', 'y'.repeat(MIB), 'z'.repeat(MIB), 'last']
    fill(texts)
    const lengths: number[][] = []
    let cursor = ''
    do {
      const answer = await get(one, `${path}/message/all?limit=100${cursor}`)
      const page: Page = await json(answer)
      lengths.push(page.items.map(({ content }) => content.length))
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`
    } while (cursor !== '')
    expect(lengths).toEqual([[5], [MIB], [9], [MIB], [MIB], [4]])
  })

  test('and short ones fill it up to its limit', async () => {
    const { one, get, path, fill } = await createLongRoom()
    fill(Array.from({ length: 101 }, () => 'ä'.repeat(1_000)))
    const page: Page = await json(get(one, `${path}/message/all?limit=100`))
    expect([page.items.length, typeof page.nextCursor]).toEqual([100, 'string'])
  })
})

test('a page reads one row more than it returns, whatever was asked for', () => {
  let read = 0
  function* rows() {
    for (;;) {
      read++
      yield { text: 'x'.repeat(32_000) }
    }
  }
  const { rows: taken, hasMore } = takeRows(rows(), 100, ({ text }) => [text])
  expect([taken.length, hasMore, read]).toEqual([8, true, 9])
})

test('a page of rooms holds at most 256 KB of instructions', async () => {
  const { one, get, database } = await createLongRoom()
  const insert = database.sqlite.query(`
    INSERT INTO chatrooms (id, user_id, title, title_folded, title_by, system_prompt, active_at, created_at, updated_at)
    VALUES (?1, ?2, 't', 't', 'none', ?3, ?4, 0, 0)`)
  for (let at = 0; at < 60; at++) {
    insert.run(`room-${at}`, one.userId, '漢'.repeat(8_000), at)
  }
  const seen = new Set<string>()
  let cursor = ''
  do {
    const text = await (await get(one, `/v1/chatroom?limit=100${cursor}`)).text()
    expect(Buffer.byteLength(text)).toBeLessThan(PAGE_TEXT_BYTES + OVERHEAD_BYTES)
    const page: { items: Room[]; nextCursor: string | null } = JSON.parse(text)
    for (const { id } of page.items) seen.add(id)
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`
  } while (cursor !== '')
  expect(seen.size).toBe(61)
})

test('a stream that catches up on a long room is sent a bounded piece at a time, and all of it', async () => {
  const { one, room, path, fill, get } = await createLongRoom()
  const texts = Array.from({ length: 24 }, (_, at) =>
    at % 2 === 0 ? '漢'.repeat(10_000) : 'x'.repeat(MIB / 2),
  )
  fill(texts)
  const before = Buffer.from(`1.${room.id.slice(-12)}.0.0.0.0.`).toString('base64url')
  const answer = await get(one, `${path}/events`, { 'last-event-id': before })
  const reader = answer.body?.getReader()
  const seen = { message: 0, done: 0 }
  while (seen.done < texts.length / 2) {
    const { value = new Uint8Array() } = (await reader?.read()) ?? {}
    // A reply is sent as its text and once more as a whole.
    expect(value.length).toBeLessThan(2 * MIB)
    const text = Buffer.from(value).toString()
    seen.message += text.split('\nevent: message\n').length - 1
    seen.done += text.split('\nevent: done\n').length - 1
  }
  expect(seen.message).toBe(texts.length)
  await reader?.cancel()
})

test('an export reads and sends a bounded piece at a time', async () => {
  const { one, get, fill } = await createLongRoom()
  fill(Array.from({ length: 20 }, () => 'x'.repeat(300_000)))
  const reader = (await get(one, '/v1/user/me/export')).body?.getReader()
  let total = 0
  for (;;) {
    const piece = await reader?.read()
    if (!piece || piece.done) break
    expect(piece.value.length).toBeLessThan(2 * PAGE_TEXT_BYTES)
    total += piece.value.length
  }
  expect(total).toBeGreaterThan(6_000_000)
})
