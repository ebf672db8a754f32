import { command } from '#src/database/command.ts'
import type { Database } from '#src/database/open.ts'
import { toInstant } from '#src/lib/time.ts'
import { toMatch } from './query.ts'
import { makeSnippet } from './snippet.ts'
import type { SearchStore } from './store.ts'
import { toOwnWords } from './words.ts'

/** A commit takes in this much and no more: two or three milliseconds, so that requests come in between. */
const MESSAGES_AT_ONCE = 50
const CHARACTERS_AT_ONCE = 20_000
/** FTS5's own merging comes in bursts of 30 ms and more, so it is off and each commit does a little. */
const MERGED_PAGES = 16

/**
 * In the order of their keys, or FTS5 writes what it holds in memory at each step back. A CROSS JOIN keeps SQLite
 * from walking the messages, most of which do not wait, and asking of each whether it does.
 */
export const NEXT_PENDING = `
  SELECT m.key, m.owner, m.content FROM search_pending p CROSS JOIN messages m ON m.key = p.key
  WHERE p.key > ?1 ORDER BY p.key LIMIT 1`

const index = command('search.index', ({ sqlite }) => {
  const next = sqlite.query<{ key: number; owner: string; content: string }, [number]>(NEXT_PENDING)
  const add = sqlite.query<unknown, [number, string]>(
    'INSERT INTO messages_fts (rowid, words) VALUES (?1, ?2)',
  )
  const merge = sqlite.query<unknown, [number]>(
    "INSERT INTO messages_fts (messages_fts, rank) VALUES ('merge', ?1)",
  )
  const forget = sqlite.query<unknown, [number]>('DELETE FROM search_pending WHERE key <= ?1')
  return (): void => {
    let last = 0
    let characters = 0
    for (let count = 0; count < MESSAGES_AT_ONCE && characters < CHARACTERS_AT_ONCE; count++) {
      const message = next.get(last)
      if (!message) break
      add.run(message.key, toOwnWords(message.owner, message.content))
      last = message.key
      characters += message.content.length
    }
    merge.run(MERGED_PAGES)
    forget.run(last)
  }
})

interface Row {
  key: number
  messageId: string
  chatroomId: string
  chatroomTitle: string
  role: 'user' | 'assistant'
  content: string
  createdAt: number
}

/** FTS5 has no place in Drizzle's queries, so this one is written out. */
export function createSearchStore(database: Database): SearchStore {
  const { sqlite } = database
  const waiting = sqlite.query<unknown, []>('SELECT 1 FROM search_pending WHERE key > 0 LIMIT 1')
  const find = sqlite.query<Row, [Record<string, string | number>]>(`
    SELECT m.key, m.id AS messageId, m.chatroom_id AS chatroomId, c.title AS chatroomTitle, m.role,
      m.content, m.created_at AS createdAt
    FROM messages_fts f
    JOIN messages m ON m.key = f.rowid
    JOIN chatrooms c ON c.id = m.chatroom_id AND c.user_id = $userId
    WHERE messages_fts MATCH $match AND f.rowid < $before
    ORDER BY f.rowid DESC LIMIT $limit`)
  return {
    async index() {
      if (!waiting.get()) return false
      await database.execute(index, undefined)
      return true
    },
    async find({ userId, text, limit, before }) {
      const match = toMatch(userId, text)
      if (match === undefined) return []
      const rows = find.all({
        userId,
        match,
        limit,
        before: before ?? Number.MAX_SAFE_INTEGER,
      })
      return rows.map(({ key, content, createdAt, ...row }) => ({
        key,
        hit: { ...row, ...makeSnippet(content, text), createdAt: toInstant(createdAt) },
      }))
    },
  }
}
