import { sql } from 'drizzle-orm'
import { chatrooms, jobs, messages, searchPending, users } from '#drizzle/schema.ts'
import { isActive, numberDigest } from '#src/database/active-user.ts'
import { columns, insertInto, statement, update } from '#src/database/statement.ts'

/** By the primary keys. A user who is being erased had a session a moment ago. */
export const findRoom = statement<
  { roomId: string; userId: string },
  { revision: number; numberDigest: string }
>(
  (p) => sql`SELECT ${chatrooms.revision} AS revision, ${numberDigest} AS "numberDigest"
    FROM ${chatrooms} JOIN ${users} ON ${users.id} = ${chatrooms.userId} AND ${isActive}
    WHERE ${chatrooms.id} = ${p.roomId} AND ${chatrooms.userId} = ${p.userId}`,
)

/** By the primary key: a reply is added, with its prompt or without (`prompts` 1 or 0). */
export const growRoom = statement<{
  roomId: string
  revision: number
  prompts: number
  bytes: number
  now: number
}>(
  (p) =>
    sql`${update(chatrooms, {
      revision: p.revision,
      pendingFrom: sql`coalesce(pending_from, ${p.revision})`,
      userMessages: sql`user_messages + ${p.prompts}`,
      assistantMessages: sql`assistant_messages + 1`,
      storedBytes: sql`stored_bytes + ${p.bytes}`,
      lastMessageAt: p.now,
      activeAt: p.now,
    })} WHERE ${chatrooms.id} = ${p.roomId}`,
)

export const insertPrompt = statement<
  {
    promptId: string
    roomId: string
    owner: string
    position: number
    text: string
    now: number
  },
  { key: number }
>(
  (p) =>
    sql`${insertInto(messages, {
      id: p.promptId,
      chatroomId: p.roomId,
      owner: p.owner,
      position: p.position,
      finalRevision: p.position,
      role: 'user',
      content: p.text,
      status: 'complete',
      createdAt: p.now,
      completedAt: p.now,
    })} RETURNING key`,
)

export const insertReply = statement<{
  replyId: string
  roomId: string
  owner: string
  position: number
  promptId: string
  version: number
  jobId: number | null
  paidOn: string | null
  now: number
}>((p) =>
  insertInto(messages, {
    id: p.replyId,
    chatroomId: p.roomId,
    owner: p.owner,
    position: p.position,
    role: 'assistant',
    content: '',
    status: 'queued',
    replyTo: p.promptId,
    version: p.version,
    jobId: p.jobId,
    paidOn: p.paidOn,
    createdAt: p.now,
  }),
)

/** A final message is indexed for search soon. */
export const insertSearchPending = statement<{ key: number }>((p) =>
  insertInto(searchPending, { key: p.key }),
)

/** By the unique id and messages_one_reply_per_version: a message, and the last version of the replies beside it. */
export const findForRegeneration = statement<
  { roomId: string; messageId: string },
  { promptId: string | null; completedAt: number | null; lastVersion: number | null }
>(
  (p) => sql`SELECT ${messages.replyTo} AS "promptId", ${messages.completedAt} AS "completedAt",
      (SELECT max(versions.version) FROM ${messages} versions WHERE versions.reply_to = ${messages.replyTo}) AS "lastVersion"
    FROM ${messages} WHERE ${messages.id} = ${p.messageId} AND ${messages.chatroomId} = ${p.roomId}`,
)

export interface UnfinishedReply {
  key: number
  roomId: string
  userId: string
  numberDigest: string
  content: string
  attempt: number
  jobId: number | null
  paidOn: string | null
  titleBy: 'none' | 'assistant' | 'person'
  position: number
  revision: number
  pendingFrom: number | null
}

/** By the unique id; none where the reply is final. */
export const findUnfinished = statement<{ replyId: string }, UnfinishedReply>(
  (p) => sql`SELECT ${columns({
    key: messages.key,
    roomId: messages.chatroomId,
    userId: chatrooms.userId,
    numberDigest,
    content: messages.content,
    attempt: messages.attempt,
    jobId: messages.jobId,
    paidOn: messages.paidOn,
    titleBy: chatrooms.titleBy,
    position: messages.position,
    revision: chatrooms.revision,
    pendingFrom: chatrooms.pendingFrom,
  })} FROM ${messages}
    JOIN ${chatrooms} ON ${chatrooms.id} = ${messages.chatroomId}
    JOIN ${users} ON ${users.id} = ${chatrooms.userId}
    WHERE ${messages.id} = ${p.replyId} AND ${messages.completedAt} IS NULL`,
)

/** By messages_in_order, over the prompts in between and what was cancelled. */
export const findNextPending = statement<
  { roomId: string; position: number },
  { position: number }
>(
  (p) => sql`SELECT ${messages.position} AS position FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.position} > ${p.position}
      AND ${messages.completedAt} IS NULL
    ORDER BY ${messages.position} LIMIT 1`,
)

/** By the primary key: a reply became final. */
export const settleRoom = statement<{
  roomId: string
  revision: number
  pendingFrom: number | null
  bytes: number
}>(
  (p) =>
    sql`${update(chatrooms, {
      revision: p.revision,
      pendingFrom: p.pendingFrom,
      storedBytes: sql`stored_bytes + ${p.bytes}`,
    })} WHERE ${chatrooms.id} = ${p.roomId}`,
)

/** By the primary key. */
export const endReply = statement<{
  key: number
  status: string
  content: string
  attempt: number
  revision: number
  errorCode: string | null
  errorMessage: string | null
  model: string | null
  finishReason: string | null
  promptTokens: number | null
  replyTokens: number | null
  contextMessages: number | null
  contextCharacters: number | null
  now: number
}>(
  (p) =>
    sql`${update(messages, {
      status: p.status,
      content: p.content,
      attempt: p.attempt,
      finalRevision: p.revision,
      errorCode: p.errorCode,
      errorMessage: p.errorMessage,
      model: p.model,
      finishReason: p.finishReason,
      promptTokens: p.promptTokens,
      replyTokens: p.replyTokens,
      contextMessages: p.contextMessages,
      contextCharacters: p.contextCharacters,
      completedAt: p.now,
    })} WHERE ${messages.key} = ${p.key}`,
)

/** By the primary key: a job that a handler has begun. */
export const findStartedJob = statement<{ jobId: number }, { id: number }>(
  (p) => sql`SELECT ${jobs.id} AS id FROM ${jobs}
    WHERE ${jobs.id} = ${p.jobId} AND ${jobs.attempt} > ${jobs.unusedAttempts}`,
)

/** By the unique id: only the attempt that holds the running job may write the text so far. */
export const savePartialText = statement<{
  replyId: string
  jobId: number
  attempt: number
  content: string
}>(
  (p) => sql`${update(messages, { status: 'streaming', content: p.content, attempt: p.attempt })}
    WHERE ${messages.id} = ${p.replyId} AND ${messages.completedAt} IS NULL
      AND EXISTS (SELECT 1 FROM ${jobs} WHERE ${jobs.id} = ${p.jobId} AND ${jobs.attempt} = ${p.attempt} AND ${jobs.state} = 'running')`,
)
