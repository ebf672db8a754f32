import type { Database } from '#src/database/open.ts'
import { toInstant } from '#src/lib/time.ts'
import { MARK_END, MARK_START, readMarks, toMatch } from './query.ts'
import type { SearchStore } from './store.ts'

/** Words of a snippet. */
const SNIPPET_WORDS = 24

interface Row {
  key: number
  messageId: string
  chatroomId: string
  chatroomTitle: string
  role: 'user' | 'assistant'
  marked: string
  createdAt: number
}

/** FTS5 has no place in Drizzle's queries, so this one is written out. */
export function createSearchStore({ sqlite }: Database): SearchStore {
  const find = sqlite.query<Row, [Record<string, string | number>]>(`
    SELECT m.key, m.id AS messageId, m.chatroom_id AS chatroomId, c.title AS chatroomTitle, m.role,
      snippet(messages_fts, 1, $start, $end, '…', ${SNIPPET_WORDS}) AS marked, m.created_at AS createdAt
    FROM messages_fts f
    JOIN messages m ON m.key = f.rowid
    JOIN chatrooms c ON c.id = m.chatroom_id AND c.user_id = $userId
    WHERE messages_fts MATCH $match AND f.rowid < $before
    ORDER BY f.rowid DESC LIMIT $limit`)
  return {
    async find({ userId, text, limit, before }) {
      const match = toMatch(userId.replaceAll('-', ''), text)
      if (match === undefined) return []
      const marks = { start: MARK_START, end: MARK_END }
      const rows = find.all({
        ...marks,
        userId,
        match,
        limit,
        before: before ?? Number.MAX_SAFE_INTEGER,
      })
      return rows.map(({ key, marked, createdAt, ...row }) => ({
        key,
        hit: { ...row, ...readMarks(marked), createdAt: toInstant(createdAt) },
      }))
    },
  }
}
