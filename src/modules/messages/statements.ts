import { sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { chatrooms, messages } from '#drizzle/schema.ts'
import { columns, statement } from '#src/database/statement.ts'
import type { QueuedReply } from './acceptance.ts'

const fields = {
  id: messages.id,
  position: messages.position,
  role: messages.role,
  content: messages.content,
  status: messages.status,
  replyTo: messages.replyTo,
  version: messages.version,
  errorCode: messages.errorCode,
  errorMessage: messages.errorMessage,
  model: messages.model,
  finishReason: messages.finishReason,
  promptTokens: messages.promptTokens,
  replyTokens: messages.replyTokens,
  contextMessages: messages.contextMessages,
  createdAt: messages.createdAt,
  completedAt: messages.completedAt,
}
const placedFields = {
  ...fields,
  finalRevision: messages.finalRevision,
  attempt: messages.attempt,
}
const MESSAGE = columns(fields)
const PLACED = columns(placedFields)

/** What a client may see of a message, without its room, which the caller knows. */
export type MessageRow = Pick<typeof messages.$inferSelect, keyof typeof fields>
/** The same with what a reader of events needs. */
export type PlacedRow = Pick<typeof messages.$inferSelect, keyof typeof placedFields>

type Owned = { roomId: string; userId: string }
type Page = { roomId: string; after: number; limit: number }

/** By the primary key. */
export const findRevision = statement<Owned, { revision: number }>(
  (p) => sql`SELECT ${chatrooms.revision} AS revision FROM ${chatrooms}
    WHERE ${chatrooms.id} = ${p.roomId} AND ${chatrooms.userId} = ${p.userId}`,
)

/** By messages_in_order, back over the versions of its reply. */
export const findLastPrompt = statement<{ roomId: string }, MessageRow>(
  (p) => sql`SELECT ${MESSAGE} FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.role} = 'user'
    ORDER BY ${messages.position} DESC LIMIT 1`,
)

/** By messages_one_reply_per_version. */
export const findLastReply = statement<{ promptId: string }, MessageRow>(
  (p) => sql`SELECT ${MESSAGE} FROM ${messages} WHERE ${messages.replyTo} = ${p.promptId}
    ORDER BY ${messages.version} DESC LIMIT 1`,
)

/** By the unique id. */
export const findMessage = statement<{ roomId: string; messageId: string }, MessageRow>(
  (p) => sql`SELECT ${MESSAGE} FROM ${messages}
    WHERE ${messages.id} = ${p.messageId} AND ${messages.chatroomId} = ${p.roomId}`,
)

/** By messages_in_order. */
export const listAscending = statement<Page, MessageRow>(
  (p) => sql`SELECT ${MESSAGE} FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.position} > ${p.after}
    ORDER BY ${messages.position} LIMIT ${p.limit}`,
)

/** By messages_in_order. */
export const listDescending = statement<Page, MessageRow>(
  (p) => sql`SELECT ${MESSAGE} FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.position} < ${p.after}
    ORDER BY ${messages.position} DESC LIMIT ${p.limit}`,
)

/** By messages_in_order. A reply is announced without its text, which is not read then: it may be a megabyte. */
export const listAdded = statement<Page, PlacedRow>(
  (p) => sql`SELECT ${columns({
    ...placedFields,
    content: sql`CASE ${messages.role} WHEN 'user' THEN ${messages.content} ELSE '' END`,
  })} FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.position} > ${p.after}
    ORDER BY ${messages.position} LIMIT ${p.limit}`,
)

/** By messages_by_final_revision. */
export const listFinished = statement<Page, PlacedRow>(
  (p) => sql`SELECT ${PLACED} FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.finalRevision} > ${p.after}
      AND ${messages.role} = 'assistant'
    ORDER BY ${messages.finalRevision} LIMIT ${p.limit}`,
)

/** By messages_in_order: the first reply that is not final. */
export const findPendingReply = statement<{ roomId: string }, PlacedRow>(
  (p) => sql`SELECT ${PLACED} FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.position} =
      (SELECT ${chatrooms.pendingFrom} FROM ${chatrooms} WHERE ${chatrooms.id} = ${p.roomId})`,
)

/** What the job of a reply needs. */
export interface ReplyTask {
  userId: string
  roomId: string
  replyId: string
  replyPosition: number
  prompt: string
  promptPosition: number
  systemPrompt: string | null
  model: string | null
}

const prompts = alias(messages, 'prompts')

/** By the unique id; none where the reply is final. */
export const findTask = statement<{ replyId: string }, ReplyTask>(
  (p) => sql`SELECT ${columns({
    userId: chatrooms.userId,
    roomId: chatrooms.id,
    replyId: messages.id,
    replyPosition: messages.position,
    prompt: prompts.content,
    promptPosition: prompts.position,
    systemPrompt: chatrooms.systemPrompt,
    model: chatrooms.model,
  })} FROM ${messages}
    JOIN ${messages} prompts ON ${prompts.id} = ${messages.replyTo}
    JOIN ${chatrooms} ON ${chatrooms.id} = ${messages.chatroomId}
    WHERE ${messages.id} = ${p.replyId} AND ${messages.completedAt} IS NULL`,
)

export interface ExchangeRow {
  position: number
  prompt: string
  reply: string
  replyTokens: number | null
  promptTokens: number | null
  characters: number | null
  contextMessages: number | null
}

const replies = alias(messages, 'replies')
const versions = alias(messages, 'versions')

/**
 * By messages_in_order: prompts, each with the latest complete version of its reply, newest first. A prompt without
 * such a reply is left out.
 */
export const listExchanges = statement<
  { roomId: string; before: number; limit: number },
  ExchangeRow
>(
  (p) => sql`SELECT ${columns({
    position: messages.position,
    prompt: messages.content,
    reply: replies.content,
    replyTokens: replies.replyTokens,
    promptTokens: replies.promptTokens,
    characters: replies.contextCharacters,
    contextMessages: replies.contextMessages,
  })} FROM ${messages}
    JOIN ${messages} replies ON ${replies.key} = (SELECT ${versions.key} FROM ${messages} versions
      WHERE ${versions.replyTo} = ${messages.id} AND ${versions.status} = 'complete'
      ORDER BY ${versions.version} DESC LIMIT 1)
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.role} = 'user'
      AND ${messages.position} < ${p.before}
    ORDER BY ${messages.position} DESC LIMIT ${p.limit}`,
)

/** By messages_in_order: the reply at a place of the user's room. */
export const findReplyAt = statement<
  { roomId: string; userId: string; position: number },
  QueuedReply
>(
  (p) => sql`SELECT ${columns({
    id: messages.id,
    promptId: messages.replyTo,
    version: messages.version,
    createdAt: messages.createdAt,
  })} FROM ${chatrooms} JOIN ${messages} ON ${messages.chatroomId} = ${chatrooms.id}
    WHERE ${chatrooms.id} = ${p.roomId} AND ${chatrooms.userId} = ${p.userId}
      AND ${messages.position} = ${p.position}`,
)

/** By the unique id. */
export const findForCancel = statement<
  { userId: string; roomId: string; messageId: string },
  { jobId: number | null; completedAt: number | null }
>(
  (p) => sql`SELECT ${messages.jobId} AS "jobId", ${messages.completedAt} AS "completedAt"
    FROM ${messages} JOIN ${chatrooms} ON ${chatrooms.id} = ${messages.chatroomId}
    WHERE ${messages.id} = ${p.messageId} AND ${messages.chatroomId} = ${p.roomId}
      AND ${chatrooms.userId} = ${p.userId}`,
)

/** By messages_in_order, from the last back to the first that is pending. */
export const listPendingReplies = statement<
  { roomId: string; limit: number },
  { replyId: string; jobId: number | null }
>(
  (p) => sql`SELECT ${messages.id} AS "replyId", ${messages.jobId} AS "jobId" FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.completedAt} IS NULL
      AND ${messages.position} >=
        (SELECT ${chatrooms.pendingFrom} FROM ${chatrooms} WHERE ${chatrooms.id} = ${p.roomId})
    ORDER BY ${messages.position} DESC LIMIT ${p.limit}`,
)
