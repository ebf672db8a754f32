import { afterEach, describe, expect, test } from 'bun:test'
import type { Page } from '#src/lib/page.ts'
import type { SearchHit } from '#src/modules/search/model.ts'
import { findText, listWaiting } from '#src/modules/search/statements.ts'
import { planOf } from '#test/support/plans.ts'
import { json, UNLIMITED } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

let open: Awaited<ReturnType<typeof createTestChat>> | undefined
afterEach(async () => {
  await open?.stop()
  open = undefined
})

async function chatWith(prompts: string[], answer = 'noted') {
  const chat = await createTestChat({
    settings: UNLIMITED,
    behave: () => ({ kind: 'answer', pieces: [answer] }),
  })
  open = chat
  const { token } = await chat.signIn()
  const roomId = await chat.openRoom(token, { title: 'Notes' })
  let last = ''
  for (const text of prompts) last = (await chat.prompt(token, roomId, text)).reply.id
  await chat.final(token, roomId, last)
  const search = async (q: string, more = '', who = token) => {
    const answered = await chat.send('GET', `/v1/search?q=${encodeURIComponent(q)}${more}`, {
      token: who,
    })
    if (answered.status !== 200) throw new Error(`${answered.status} ${await answered.text()}`)
    return json<Page<SearchHit>>(answered)
  }
  const found = async (q: string) => (await search(q)).items.map(({ snippet }) => snippet)
  return { chat, token, roomId, search, found }
}

describe('GET /v1/search', () => {
  test('finds prompts and replies by every word, the last as a beginning, newest first', async () => {
    const { found, search } = await chatWith(
      ['Pack a rain jacket', 'Jacket or coat?'],
      'A warm jacket',
    )
    expect(await found('jacket')).toEqual([
      'A warm jacket',
      'Jacket or coat?',
      'A warm jacket',
      'Pack a rain jacket',
    ])
    expect(await found('rain jack')).toEqual(['Pack a rain jacket'])
    expect(await found('coat rain')).toEqual([])
    const [hit] = (await search('rain')).items
    expect(hit).toMatchObject({ chatroomTitle: 'Notes', role: 'user', highlights: [[7, 11]] })
  })

  test('folds case and diacritics', async () => {
    const { found } = await chatWith(['Ausflug nach Zürich'])
    expect(await found('ZURICH')).toEqual(['Ausflug nach Zürich'])
  })

  test('takes quotes, operators, wildcards, emoji and 500 characters as text only', async () => {
    const { found } = await chatWith([
      'say "hello" AND goodbye',
      'a (b) c:d* -e ^f {g}',
      '😀 smile',
    ])
    expect(await found('"hello"')).toEqual(['say "hello" AND goodbye'])
    expect(await found('hello AND goodbye')).toEqual(['say "hello" AND goodbye'])
    expect(await found('hello OR nothing')).toEqual([])
    expect(await found('NOT hello')).toEqual([])
    expect(await found('content:say')).toEqual([])
    expect(await found('c:d*')).toEqual(['a (b) c:d* -e ^f {g}'])
    for (const odd of [
      '"',
      '""',
      '*',
      '😀',
      '-',
      '^',
      '()',
      ') OR (',
      '{owner}',
      "'; DROP TABLE messages; --",
      ' ',
      'NEAR(a b)',
      '"a',
      'a"',
      '\ufdd0',
    ]) {
      expect((await found(odd)).length).toBeLessThanOrEqual(3)
    }
    expect(await found('😀')).toEqual(['😀 smile'])
    expect(await found('hello '.repeat(80).trim())).toEqual(['say "hello" AND goodbye'])
    expect(await found('"'.repeat(500))).toEqual([])
  })

  test('keeps to one’s own messages', async () => {
    const { chat, search } = await chatWith(['my secret plan'])
    const stranger = await chat.signIn()
    expect((await search('secret', '', stranger.token)).items).toEqual([])
    const owner = chat.database.sqlite
      .query<{ owner: string }, []>('SELECT owner FROM messages')
      .get()?.owner
    expect((await search(`${owner}`, '', stranger.token)).items).toEqual([])
    expect((await chat.send('GET', '/v1/search?q=secret')).status).toBe(401)
  })

  test('reads the words of nobody else: each in the index carries its owner’s mark', async () => {
    const { chat, token, found } = await chatWith([
      'Ausflug nach Zürich! 3× „weiß“',
      'e\u0301te\u0301 naïve 東京 مرحبا हिन्दी',
    ])
    expect(await found('ausf')).toHaveLength(1)
    const { sqlite } = chat.database
    sqlite.run("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, messages_fts, 'row')")
    const terms = sqlite.query<{ term: string }, []>('SELECT term FROM temp.vocabulary').all()
    const me = await json<{ id: string }>(chat.send('GET', '/v1/user/me', { token }))
    expect(terms.length).toBeGreaterThan(8)
    for (const { term } of terms) expect(term).toStartWith(me.id.slice(-12))
  })

  test('keeps to one’s own messages also where two users have the same mark', async () => {
    const { chat, search } = await chatWith(['my secret plan'])
    const { sqlite } = chat.database
    const stranger = await chat.signIn()
    const owner = sqlite.query<{ owner: string }, []>('SELECT owner FROM messages').get()?.owner
    // The last twelve digits are what the index knows of a user.
    const twin = `${stranger.userId.slice(0, -12)}${owner?.slice(-12)}`
    // The pragma does nothing within a transaction.
    chat.database.snapshot.release()
    sqlite.run('PRAGMA foreign_keys = OFF')
    for (const [table, column] of [
      ['users', 'id'],
      ['sessions', 'user_id'],
    ] as const) {
      sqlite.run(`UPDATE ${table} SET ${column} = ?1 WHERE ${column} = ?2`, [twin, stranger.userId])
    }
    const token = await chat.services.tokens.sign({ userId: twin, sessionId: stranger.sessionId })
    expect((await search('secret')).items).toHaveLength(1)
    sqlite.run(
      `INSERT INTO search_partitions SELECT ?1, first_key, number, terms FROM search_partitions`,
      [twin.replaceAll('-', '')],
    )
    expect((await search('secret', '', token)).items).toEqual([])
  })

  test('pages by keyset', async () => {
    const { search } = await chatWith(['word one', 'word two', 'word three'])
    const first = await search('word', '&limit=2')
    expect(first.items.map(({ snippet }) => snippet)).toEqual(['word three', 'word two'])
    const second = await search('word', `&limit=2&cursor=${first.nextCursor}`)
    expect(second.items.map(({ snippet }) => snippet)).toEqual(['word one'])
    expect(second.nextCursor).toBeNull()
  })

  test('forgets a deleted room and stays whole', async () => {
    const { chat, token, roomId, found } = await chatWith(['remember me', 'me too'])
    expect(await found('me')).toHaveLength(2)
    await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })
    expect(await found('me')).toEqual([])
    const check = "INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)"
    expect(() => chat.database.sqlite.run(check)).not.toThrow()
  })

  test('forgets messages that the index never held, and stays whole', async () => {
    const { chat, token, roomId, found } = await chatWith(['never looked for'])
    const waiting = chat.database.sqlite.query<{ count: number }, []>(
      'SELECT count(*) AS count FROM search_pending',
    )
    expect(waiting.get()?.count).toBe(2)
    await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })
    expect(waiting.get()?.count).toBe(0)
    expect(await found('looked')).toEqual([])
    const check = "INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)"
    expect(() => chat.database.sqlite.run(check)).not.toThrow()
  })

  test('takes in what became final since, in small commits, also where nobody searches', async () => {
    const { chat, token, roomId, search } = await chatWith([])
    for (let at = 0; at < 250; at++) {
      await chat.send('POST', `/v1/chatroom/${roomId}/message`, {
        token,
        body: { userPrompt: `prompt ${at}` },
      })
    }
    const waiting = chat.database.sqlite.query<{ count: number }, []>(
      'SELECT count(*) AS count FROM search_pending',
    )
    const before = waiting.get()?.count ?? 0
    expect(before).toBeGreaterThanOrEqual(250)
    const task = chat.services.maintenance.find(({ name }) => name.includes('index messages'))
    await task?.run(AbortSignal.any([]))
    expect(waiting.get()?.count).toBe(0)
    expect((await search('prompt', '&limit=100')).items).toHaveLength(100)
  })

  test('walks what waits for the index, not what is in it', async () => {
    const { chat } = await chatWith(['one', 'two'])
    const { sqlite } = chat.database
    expect(planOf(sqlite, listWaiting)).toEqual([
      'SEARCH search_pending USING INTEGER PRIMARY KEY (rowid>?)',
    ])
    expect(planOf(sqlite, findText)).toEqual([
      'SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)',
    ])
  })

  test('keeps its segments few, a little work at each commit', async () => {
    const { chat, token, roomId } = await chatWith([])
    for (let at = 0; at < 40; at++) {
      await chat.send('POST', `/v1/chatroom/${roomId}/message`, {
        token,
        body: { userPrompt: `prompt ${at}` },
      })
      await chat.services.search.catchUp()
    }
    const segments = chat.database.sqlite.query<{ count: number }, []>(
      'SELECT count(DISTINCT segid) AS count FROM messages_fts_idx',
    )
    expect(segments.get()?.count).toBeLessThan(12)
  })

  test('a final message never changes', async () => {
    const { chat } = await chatWith(['one'])
    expect(() => chat.database.sqlite.run("UPDATE messages SET content = 'other'")).toThrow(
      'a final message never changes',
    )
  })
})
