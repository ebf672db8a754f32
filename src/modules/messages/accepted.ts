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
