import { type Command, command } from '#src/database/steps.ts'
import { notFound, Problem } from '#src/lib/problem.ts'
import { REPLY_ENDED, roomTopic, userTopic } from '#src/plugins/topics.ts'
import type { Queue } from '#src/queue/queue.ts'
import type { Quotas } from '../quota/service.ts'
import { findForCancel, listPendingReplies } from './statements.ts'
import {
  endReply,
  findNextPending,
  findStartedJob,
  findUnfinished,
  insertSearchPending,
  savePartialText,
  settleRoom,
} from './write-statements.ts'

/**
 * How a reply ends; `failed` and `blocked` say why. A prompt is refunded where its reply failed, or was cancelled before
 * a worker took its job.
 */
export interface ReplyEnd {
  replyId: string
  status: 'complete' | 'failed' | 'blocked' | 'cancelled'
  /** Undefined keeps the stored text, as when no worker holds the live text. */
  content: string | undefined
  attempt: number | undefined
  error: { code: string; message: string } | null
  model: string | null
  finishReason: string | null
  usage: { promptTokens: number; replyTokens: number } | null
  context: { messages: number; characters: number } | null
  now: number
}

export interface EndDeps {
  quotas: Pick<Quotas, 'settle'>
  /** In the same transaction, after a complete answer in a room that has no name yet. */
  onUntitled: Command<{ roomId: string; userId: string; now: number }, void>
}

/**
 * Ends a reply in the transaction that ends its job: its final state, the room's revision, and what its prompt took of
 * the quota. Does nothing where the reply is final or gone.
 */
export function createEnd({ quotas, onUntitled }: EndDeps) {
  return command('messages.end', function* (tx, input: ReplyEnd) {
    const { replyId, status, error, model, finishReason, usage, context, now } = input
    const reply = yield* tx.first(findUnfinished, { replyId })
    if (!reply) return
    const keepsText = status === 'complete' || status === 'cancelled'
    const content = keepsText ? (input.content ?? reply.content) : ''
    const bytes = Buffer.byteLength(content)
    const revision = reply.revision + 1
    const { key, roomId, userId, numberDigest, paidOn, jobId, position } = reply
    let { pendingFrom } = reply
    if (position === pendingFrom) {
      const next = yield* tx.first(findNextPending, { roomId, position })
      pendingFrom = next?.position ?? null
    }
    yield* tx.run(settleRoom, { roomId, revision, pendingFrom, bytes })
    yield* tx.run(endReply, {
      key,
      status,
      content,
      attempt: input.attempt ?? reply.attempt,
      revision,
      errorCode: error?.code ?? null,
      errorMessage: error?.message ?? null,
      model,
      finishReason,
      promptTokens: usage?.promptTokens ?? null,
      replyTokens: usage?.replyTokens ?? null,
      contextMessages: context?.messages ?? null,
      contextCharacters: context?.characters ?? null,
      now,
    })
    if (content !== '') yield* tx.run(insertSearchPending, { key })
    // Drops the live text before readers are notified of the end: they would take it for another reply.
    tx.notify(REPLY_ENDED, replyId)
    tx.notify(roomTopic(roomId), 'stored')
    if (status === 'complete' && reply.titleBy === 'none') {
      yield* onUntitled.steps(tx, { roomId, userId, now })
    }
    // A prompt that may have reached the provider stays charged, unless the provider or this server failed.
    let isRefunded = status === 'failed'
    if (status === 'cancelled') {
      isRefunded = jobId === null || !(yield* tx.first(findStartedJob, { jobId }))
    }
    yield* quotas.settle(tx, { numberDigest, bytes, refundTo: isRefunded ? paidOn : null })
    if (isRefunded) tx.notify(userTopic(userId), 'quota')
  })
}

/** Writes the text so far; false when the attempt no longer holds the job. */
export const savePartial = command(
  'messages.save-partial',
  function* (tx, partial: { replyId: string; jobId: number; attempt: number; content: string }) {
    return (yield* tx.run(savePartialText, partial)) > 0
  },
)

/** Cancels what waits at once, and asks what runs to stop. @throws Problem 404, 409 */
export function createCancelReply(queue: Queue) {
  return command(
    'messages.cancel',
    function* (tx, input: { userId: string; roomId: string; messageId: string }) {
      const message = yield* tx.first(findForCancel, input)
      if (!message) throw notFound()
      const { completedAt, jobId } = message
      const result =
        completedAt === null && jobId !== null ? yield* queue.cancel(tx, jobId) : 'ended'
      if (result === 'ended') throw alreadyFinal()
      return result
    },
  )
}

export function alreadyFinal(): Problem {
  return new Problem(
    409,
    'already-final',
    'This message is final; there is nothing left to cancel.',
  )
}

/** Replies that one commit cancels: each takes a fifth of a millisecond, and fifty may wait. */
const CANCELLED_AT_ONCE = 20

/**
 * Cancels the pending replies of a room that is deleted. False when more are left than one commit may cancel; the
 * caller must then do nothing else in this commit.
 */
export function createCancelPending(queue: Queue, end: ReturnType<typeof createEnd>) {
  return command(
    'messages.cancel-pending',
    function* (tx, { roomId, now }: { roomId: string; now: number }) {
      const found = yield* tx.all(listPendingReplies, { roomId, limit: CANCELLED_AT_ONCE + 1 })
      // The last first, so that the end of one does not make the next ready only to be cancelled.
      for (const { replyId, jobId } of found.slice(0, CANCELLED_AT_ONCE)) {
        const result = jobId === null ? 'ended' : yield* queue.cancel(tx, jobId)
        if (result === 'cancelled') continue
        // Its worker stops later and finds the reply final.
        yield* end.steps(tx, cancelledEnd(replyId, now))
      }
      return found.length <= CANCELLED_AT_ONCE
    },
  )
}

/** The end of a cancelled reply, which keeps the stored text. */
export function cancelledEnd(replyId: string, now: number): ReplyEnd {
  return {
    replyId,
    status: 'cancelled',
    content: undefined,
    attempt: undefined,
    error: null,
    model: null,
    finishReason: null,
    usage: null,
    context: null,
    now,
  }
}
