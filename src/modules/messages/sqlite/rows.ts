import { messages } from '#drizzle/schema.ts'
import { named } from '#src/database/compile.ts'
import { toInstant } from '#src/lib/time.ts'
import type { Message } from '../model.ts'
import type { PlacedMessage } from '../store.ts'

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

/** What a client may see of a message, but for its room, which whoever asks knows. */
export const columns = named(fields)

/** With what a reader of events needs to know of its place. */
export const placedColumns = named(placedFields)

type MessageRow = Pick<typeof messages.$inferSelect, keyof typeof fields>
type PlacedRow = Pick<typeof messages.$inferSelect, keyof typeof placedFields>

export function toMessage(row: MessageRow, chatroomId: string): Message {
  const { promptTokens, replyTokens } = row
  const message: Message = {
    id: row.id,
    chatroomId,
    role: row.role,
    content: row.content,
    status: row.status,
    replyTo: row.replyTo,
    version: row.version,
    createdAt: toInstant(row.createdAt),
    completedAt: row.completedAt === null ? null : toInstant(row.completedAt),
  }
  if (row.errorCode !== null) {
    message.error = { code: row.errorCode, message: row.errorMessage ?? '' }
  }
  if (row.model !== null) message.model = row.model
  if (row.finishReason !== null) message.finishReason = row.finishReason
  if (promptTokens !== null) message.usage = { promptTokens, replyTokens: replyTokens ?? 0 }
  if (row.contextMessages !== null) message.contextMessages = row.contextMessages
  return message
}

export function toPlaced(row: PlacedRow, chatroomId: string): PlacedMessage {
  const { position, finalRevision, attempt } = row
  return { message: toMessage(row, chatroomId), position, finalRevision, attempt }
}
