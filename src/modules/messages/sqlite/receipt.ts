import { eq, sql } from 'drizzle-orm'
import { messages } from '#drizzle/schema.ts'
import type { Connection } from '#src/database/command.ts'
import { compile } from '#src/database/compile.ts'
import { notFound } from '#src/lib/problem.ts'
import { toInstant } from '#src/lib/time.ts'
import type { Quota } from '../../quota/model.ts'
import type { QueuedReply } from '../accepted.ts'
import type { Message } from '../model.ts'
import { columns, toMessage } from './rows.ts'

/**
 * What is kept with an `Idempotency-Key` to tell an acceptance again: the reply's place in its room and the quota as it
 * was told. Short, as one is written at each prompt, and without the prompt's text, so that it goes with the room.
 */
export type Receipt = [position: number, used?: number, limit?: number, resetsAt?: number]

export function toReceipt(position: number, { limit, used, resetsAt }: Quota): Receipt {
  if (limit === null || used === undefined || resetsAt === undefined) return [position]
  return [position, used, limit, Date.parse(resetsAt)]
}

export function quotaOf([, used, limit, resetsAt]: Receipt): Quota {
  if (used === undefined || limit === undefined || resetsAt === undefined) return { limit: null }
  return { limit, used, remaining: Math.max(0, limit - used), resetsAt: toInstant(resetsAt) }
}

/** The same answer as the first time, whatever has become of the reply since. @throws Problem 404 where the room is gone */
export function prepareRecall({ sqlite, orm }: Connection) {
  const findReply = sqlite.query<QueuedReply, [string, string, number]>(`
    SELECT r.id, r.reply_to AS promptId, r.version, r.created_at AS createdAt
    FROM chatrooms c JOIN messages r ON r.chatroom_id = c.id
    WHERE c.id = ?1 AND c.user_id = ?2 AND r.position = ?3`)
  const findPrompt = compile(sqlite, () =>
    orm
      .select(columns)
      .from(messages)
      .where(eq(messages.id, sql.placeholder('id'))),
  )
  return (
    { roomId, userId }: { roomId: string; userId: string },
    receipt: Receipt,
  ): { quota: Quota; prompt: Message; reply: QueuedReply } => {
    const reply = findReply.get(roomId, userId, receipt[0])
    const prompt = reply && findPrompt.get({ id: reply.promptId })
    if (!reply || !prompt) throw notFound()
    return { quota: quotaOf(receipt), prompt: toMessage(prompt, roomId), reply }
  }
}
