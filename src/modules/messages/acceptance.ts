import { toInstant } from '#src/lib/time.ts'
import type { Answer } from '#src/modules/idempotency/key.ts'
import type { Quota } from '../quota/model.ts'
import type { Accepted, Message } from './model.ts'

/** A reply as it was when it was asked for. */
export interface QueuedReply {
  id: string
  promptId: string
  version: number
  createdAt: number
}

/** What a request for a reply has brought about. */
export interface Acceptance {
  replayed: boolean
  quota: Quota
  /** The prompt and the reply, where they are not those that were sent just now. */
  prompt?: Message
  reply?: QueuedReply
}

/**
 * What is kept with an `Idempotency-Key` to repeat an answer: the reply's place in its room and the quota as the first
 * answer gave it. Short, as one is written at each prompt, and without the prompt's text, so that the text goes with
 * the room.
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

/** A prompt as it is stored. */
export function sentPrompt(sent: {
  roomId: string
  promptId: string
  text: string
  now: number
}): Message {
  return {
    id: sent.promptId,
    chatroomId: sent.roomId,
    role: 'user',
    content: sent.text,
    status: 'complete',
    replyTo: null,
    version: 1,
    createdAt: toInstant(sent.now),
    completedAt: toInstant(sent.now),
  }
}

export function toAnswer(
  roomId: string,
  { replayed, quota, prompt, reply }: Required<Acceptance>,
): Answer<Accepted> {
  return {
    status: 202,
    location: `/v1/chatroom/${roomId}/message/${reply.id}`,
    body: {
      prompt,
      reply: {
        id: reply.id,
        chatroomId: roomId,
        role: 'assistant',
        content: '',
        status: 'queued',
        replyTo: reply.promptId,
        version: reply.version,
        createdAt: toInstant(reply.createdAt),
        completedAt: null,
      },
      quota,
    },
    replayed,
  }
}
