import type { Command } from '#src/database/command.ts'
import type { Rows } from '#src/lib/page.ts'
import type { IdempotencyKey } from '#src/modules/idempotency/key.ts'
import type { Measured, Exchange as PastExchange } from '../assistant/context.ts'
import type { Acceptance } from './accepted.ts'
import type { Exchange, Message } from './model.ts'

export interface PromptToAccept {
  userId: string
  roomId: string
  promptId: string
  replyId: string
  text: string
  claim: IdempotencyKey | undefined
  trace: string | null
  now: number
}

export interface ReplyToRegenerate {
  userId: string
  roomId: string
  /** A reply, of any version. */
  messageId: string
  replyId: string
  claim: IdempotencyKey | undefined
  trace: string | null
  now: number
}

/** What a reply's job needs to know of it. */
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

/** The text so far, written by the claim that holds the job. */
export interface Partial {
  replyId: string
  jobId: number
  claims: number
  content: string
}

/**
 * How a reply ends; `failed` and `blocked` say why. A prompt is refunded where its reply failed, or was cancelled before
 * a worker took its job.
 */
export interface ReplyEnd {
  replyId: string
  status: 'complete' | 'failed' | 'blocked' | 'cancelled'
  /** Undefined leaves what is stored, as when nobody holds the live text. */
  content: string | undefined
  attempt: number | undefined
  error: { code: string; message: string } | null
  model: string | null
  finishReason: string | null
  usage: { promptTokens: number; replyTokens: number } | null
  context: { messages: number; characters: number } | null
  now: number
}

/** A room that is deleted. */
export interface RoomEnd {
  roomId: string
  now: number
}

/** A message with its place, for events and pages. */
export interface PlacedMessage {
  message: Message
  position: number
  finalRevision: number | null
  attempt: number
}

/** Both lists are cut at the limit asked for, and where their texts are too long for a page. */
export interface Changes {
  revision: number
  /** Up to this revision both lists are whole. */
  until: number
  /** Prompts and replies added since. */
  added: PlacedMessage[]
  /** Replies that became final since. */
  finished: PlacedMessage[]
}

/** What the messages ask of the database. Each method is one atomic unit; reads that are hot are synchronous underneath. */
export interface MessageStore {
  /** Idempotency, quota, prompt, reply and job in one transaction. @throws Problem 404, 429, 409, 422 */
  accept(input: PromptToAccept): Promise<Acceptance>
  /** @throws Problem 404, 409, 422, 429 */
  regenerate(input: ReplyToRegenerate): Promise<Required<Acceptance>>
  /** Cancels what waits at once, and asks what runs to stop. @throws Problem 404, 409 */
  cancel(input: {
    userId: string
    roomId: string
    messageId: string
  }): Promise<'cancelled' | 'stopping'>
  /** Undefined where the room is not the user's. */
  latest(input: { userId: string; roomId: string }): Promise<Exchange | undefined>
  /** At most `limit` messages and `PAGE_TEXT_BYTES` of text; undefined where the room is not the user's. */
  page(input: {
    userId: string
    roomId: string
    limit: number
    after: number | undefined
    order: 'asc' | 'desc'
  }): Promise<Rows<Pick<PlacedMessage, 'message' | 'position'>> | undefined>
  find(input: { userId: string; roomId: string; messageId: string }): Promise<Message | undefined>

  /** What happened in a room after a revision, in its order; undefined where the room is not the user's. */
  changes(input: {
    userId: string
    roomId: string
    since: number
    limit: number
  }): Changes | undefined
  /** The first reply that is not final. */
  waiting(roomId: string): PlacedMessage | undefined

  /** Undefined once the reply is final or gone. */
  task(replyId: string): Promise<ReplyTask | undefined>
  /**
   * Past exchanges with a whole answer, newest first, fetched as they are asked for, and what the provider
   * counted for the latest that it counted among the last few.
   */
  past(input: { roomId: string; before: number }): {
    exchanges: Iterable<PastExchange>
    measured: Measured | undefined
  }
  /** False when the claim no longer holds the job. */
  savePartial(input: Partial): Promise<boolean>
  /** Ends a reply inside the transaction that ends its job. Does nothing where the reply is final or gone. */
  end: Command<ReplyEnd, void>
  /** Ends whatever a room still waits for, in the transaction that deletes it. */
  cancelPending: Command<RoomEnd, boolean>
}
