import { sql } from 'drizzle-orm'
import { chatrooms, messages } from '#drizzle/schema.ts'
import { columns, statement } from '#src/database/statement.ts'
import { SEARCHED_LENGTH } from './words.ts'

/** FTS5's virtual table, which Drizzle's schema cannot express; the initial migration creates it. */
const index = sql.raw('messages_fts')

/** REPLACE: where the fold has changed, the index may hold the message's old terms. */
export const addToIndex = statement<{ key: number; words: string }>(
  (p) => sql`INSERT OR REPLACE INTO ${index} (rowid, words) VALUES (${p.key}, ${p.words})`,
)

/** A little of what FTS5 would do by itself in bursts: https://sqlite.org/fts5.html, section 6.8. */
export const mergeIndex = statement<{ pages: number }>(
  (p) => sql`INSERT INTO ${index} (${index}, rank) VALUES ('merge', ${p.pages})`,
)

/** Messages of one partition that may hold the phrases, the newest first, in the order of the index. */
export const listMatches = statement<
  { match: string; before: number; limit: number },
  { key: number }
>(
  (p) => sql`
    SELECT f.rowid AS key FROM ${index} AS f
    WHERE ${index} MATCH ${p.match} AND f.rowid < ${p.before}
    ORDER BY f.rowid DESC LIMIT ${p.limit}`,
)

export interface MatchRow {
  messageId: string
  /** Null for a message that is not the user's: the marks of two users may be the same, and rooms are set aside. */
  chatroomId: string | null
  chatroomTitle: string | null
  role: 'user' | 'assistant'
  content: string
  createdAt: number
}

/** By the primary keys. */
export const findMatch = statement<{ key: number; userId: string }, MatchRow>(
  (p) => sql`
    SELECT ${columns({
      messageId: messages.id,
      chatroomId: chatrooms.id,
      chatroomTitle: chatrooms.title,
      role: messages.role,
      content: sql`substr(${messages.content}, 1, ${SEARCHED_LENGTH + 1})`,
      createdAt: messages.createdAt,
    })}
    FROM ${messages} LEFT JOIN ${chatrooms}
      ON ${chatrooms.id} = ${messages.chatroomId} AND ${chatrooms.userId} = ${p.userId}
    WHERE ${messages.key} = ${p.key}`,
)
