import { messages } from '#drizzle/schema.ts'
import { toInstant } from '#src/lib/time.ts'
import type { Message } from '../model.ts'
import type { PlacedMessage } from '../store.ts'

/** What a client may see of a message, and its place. */
export const columns = {
  id: messages.id,
  chatroomId: messages.chatroomId,
  position: messages.position,
  finalRevision: messages.finalRevision,
  attempt: messages.attempt,
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

export type MessageRow = Pick<typeof messages.$inferSelect, keyof typeof columns>

export function toMessage(row: MessageRow): Message {
  const { promptTokens, replyTokens } = row
  return {
    id: row.id,
    chatroomId: row.chatroomId,
    role: row.role,
    content: row.content,
    status: row.status,
    replyTo: row.replyTo,
    version: row.version,
    ...(row.errorCode === null
      ? {}
      : { error: { code: row.errorCode, message: row.errorMessage ?? '' } }),
    ...(row.model === null ? {} : { model: row.model }),
    ...(row.finishReason === null ? {} : { finishReason: row.finishReason }),
    ...(promptTokens === null ? {} : { usage: { promptTokens, replyTokens: replyTokens ?? 0 } }),
    ...(row.contextMessages === null ? {} : { contextMessages: row.contextMessages }),
    createdAt: toInstant(row.createdAt),
    completedAt: row.completedAt === null ? null : toInstant(row.completedAt),
  }
}

export function toPlaced(row: MessageRow): PlacedMessage {
  const { position, finalRevision, attempt } = row
  return { message: toMessage(row), position, finalRevision, attempt }
}
