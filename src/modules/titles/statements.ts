import { sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { chatrooms, messages } from '#drizzle/schema.ts'
import { statement, update } from '#src/database/statement.ts'

const prompts = alias(messages, 'prompts')

/** By messages_in_order: the first answered exchange of a room that was not named yet. */
export const findFirstExchange = statement<{ roomId: string }, { prompt: string; reply: string }>(
  (p) => sql`SELECT ${prompts.content} AS prompt, ${messages.content} AS reply FROM ${messages}
    JOIN ${messages} prompts ON ${prompts.id} = ${messages.replyTo}
    JOIN ${chatrooms} ON ${chatrooms.id} = ${messages.chatroomId}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.status} = 'complete'
      AND ${messages.role} = 'assistant' AND ${chatrooms.titleBy} = 'none'
    ORDER BY ${messages.position} LIMIT 1`,
)

/** By the primary key: a room that may be named by the assistant. */
export const findUnnamed = statement<{ roomId: string }, { userId: string; titleBytes: number }>(
  (
    p,
  ) => sql`SELECT ${chatrooms.userId} AS "userId", octet_length(${chatrooms.title}) AS "titleBytes"
    FROM ${chatrooms} WHERE ${chatrooms.id} = ${p.roomId} AND ${chatrooms.titleBy} <> 'person'`,
)

/** By the primary key. */
export const setTitle = statement<{
  roomId: string
  title: string
  titleFolded: string
  grownBytes: number
  now: number
}>(
  (p) =>
    sql`${update(chatrooms, {
      title: p.title,
      titleFolded: p.titleFolded,
      titleBy: 'assistant',
      storedBytes: sql`stored_bytes + ${p.grownBytes}`,
      updatedAt: p.now,
    })} WHERE ${chatrooms.id} = ${p.roomId}`,
)
