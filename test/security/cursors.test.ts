import { describe, expect, test } from 'bun:test'
import { deriveKey } from '#src/lib/keys.ts'
import { createCursors } from '#src/lib/page.ts'
import { Problem } from '#src/lib/problem.ts'
import { limitKey } from '#src/modules/limits/limit.ts'
import { json } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

const SEAL_BYTES = 12
const SEPARATORS = ['\n', ':', '"', ',', '","', '\\', '\\n', ' ', '\r\n', '],[', '[5]\n', '\u2028']

/** A cursor as an attacker rewrites it: the same seal, another payload behind it. */
function withPayload(cursor: string, change: (payload: string) => string): string {
  const bytes = Buffer.from(cursor, 'base64url')
  const payload = change(bytes.subarray(SEAL_BYTES).toString())
  return Buffer.concat([bytes.subarray(0, SEAL_BYTES), Buffer.from(payload)]).toString('base64url')
}

const cursors = createCursors(deriveKey('a secret of the test, of 32 bytes', 'cursor'))

function statusOf(decode: () => unknown): number {
  try {
    decode()
    return 200
  } catch (error) {
    if (error instanceof Problem) return error.status
    throw error
  }
}

describe('A cursor that is moved to another list', () => {
  test('is refused on the wire: the end of the query cannot become the start of the payload', async () => {
    const chat = await createTestChat({ settings: { basicDailyPrompts: 100 } })
    const { token } = await chat.signIn()
    const roomId = await chat.openRoom(token, { title: 'word 5' })
    await chat.openRoom(token, { title: 'word 5 again' })
    for (const text of ['word 5', 'word 5 again']) {
      const { reply } = await chat.prompt(token, roomId, text)
      await chat.final(token, roomId, reply.id)
    }
    const search = (q: string, cursor = '') =>
      chat.send('GET', `/v1/search?limit=1&q=${encodeURIComponent(q)}${cursor}`, { token })
    const { nextCursor } = await json<{ nextCursor: string }>(search('word\n5'))
    expect(nextCursor).toBeString()
    const moved = withPayload(nextCursor, (payload) => `5\n${payload}`)
    expect((await search('word', `&cursor=${moved}`)).status).toBe(400)
    // And back: what the list's name ends in is left out of the payload.
    const back = await json<{ nextCursor: string }>(search('word'))
    const cut = withPayload(back.nextCursor, (payload) => payload.slice(1))
    expect((await search('word\n[', `&cursor=${cut}`)).status).toBe(400)
    expect((await search('word\n5', `&cursor=${nextCursor}`)).status).toBe(200)

    const rooms = (q: string, cursor = '') =>
      chat.send('GET', `/v1/chatroom?limit=1&q=${encodeURIComponent(q)}${cursor}`, { token })
    const page = await json<{ nextCursor: string }>(rooms('word'))
    for (const at of SEPARATORS) {
      const other = withPayload(page.nextCursor, (payload) => `${at}${payload}`)
      expect([at, (await rooms(`word${at}`, `&cursor=${page.nextCursor}`)).status]).toEqual([
        at,
        400,
      ])
      expect([at, (await rooms('word', `&cursor=${other}`)).status]).toEqual([at, 400])
    }
    await chat.stop()
  })

  test('is refused for every way to cut the same characters into list and payload', () => {
    for (const at of SEPARATORS) {
      const lists = [
        ['search', 'u', `word${at}5`],
        ['search', 'u', 'word'],
        ['search', `u${at}word`, '5'],
        ['search', 'u', 'word', '5'],
        [`search${at}u`, 'word', '5'],
        ['search', 'u', 'word', '5', ''],
      ] as const
      for (const from of lists) {
        const cursor = cursors.encode(from, [7])
        for (const to of lists) {
          for (const rewritten of [cursor, withPayload(cursor, (payload) => `5${at}${payload}`)]) {
            const isSame = from === to && rewritten === cursor
            const status = statusOf(() => cursors.decode(to, rewritten, ['number']))
            expect([at, from, to, status]).toEqual([at, from, to, isSame ? 200 : 400])
          }
        }
      }
    }
  })
})

test('a sealed cursor whose key has another shape is 400 and never reaches a query', () => {
  const list = ['rooms', 'u', ''] as const
  const given = [
    [],
    [1],
    [1, 2],
    ['1', 'id'],
    [1.5, 'id'],
    [Number.MAX_VALUE, 'id'],
    [1, 'id', 1],
    ['id', 1],
  ] as const
  for (const key of given) {
    const cursor = cursors.encode(list, key)
    const status = statusOf(() => cursors.decode(list, cursor, ['number', 'string']))
    expect([key, status]).toEqual([key, 400])
  }
  const cursor = cursors.encode(list, [1, 'id'])
  expect(cursors.decode(list, cursor, ['number', 'string'])).toEqual([1, 'id'])
  const foreign = createCursors(deriveKey('another secret', 'cursor')).encode(list, [1, 'id'])
  expect(statusOf(() => cursors.decode(list, foreign, ['number', 'string']))).toBe(400)
})

test('a limit of one name cannot be counted by the subject of another', () => {
  const secret = deriveKey('a secret of the test, of 32 bytes', 'limits')
  const digest = (name: string, subject: string) =>
    limitKey(secret, name, subject).split(':').at(-1)
  for (const at of SEPARATORS) {
    expect([at, digest(`a${at}b`, 'c')]).not.toEqual([at, digest('a', `b${at}c`)])
  }
})
