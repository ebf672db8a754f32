import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import { chatrooms, messages, users } from '#drizzle/schema.ts'
import { type Command, type SyncTx, syncCommand } from '#src/database/command.ts'
import { notFound, Problem } from '#src/lib/problem.ts'
import { NUMBER_DIGEST } from '#src/plugins/somebody.ts'
import { REPLY_ENDED, roomTopic, userTopic } from '#src/plugins/topics.ts'
import type { Queue } from '#src/queue/queue.ts'
import type { Quotas } from '../../quota/service.ts'
import type { Partial, ReplyEnd, RoomEnd } from '../store.ts'

const { placeholder } = sql

export interface EndDeps {
  quotas: Quotas
  /** In the same transaction, after a whole answer in a room that nobody named. */
  onUntitled: (tx: SyncTx, room: { roomId: string; userId: string }) => void
}

/** Ends a reply: its final state, the room's revision, and what its prompt took of the quota. */
export function createEnd({ quotas, onUntitled }: EndDeps): Command<ReplyEnd, void> {
  return syncCommand('messages.end', ({ orm, sqlite }) => {
    const find = orm
      .select({
        key: messages.key,
        roomId: messages.chatroomId,
        userId: chatrooms.userId,
        numberDigest: sql<string>`${sql.raw(NUMBER_DIGEST)}`,
        content: messages.content,
        attempt: messages.attempt,
        jobId: messages.jobId,
        paidOn: messages.paidOn,
        titleBy: chatrooms.titleBy,
        position: messages.position,
        revision: chatrooms.revision,
        pendingFrom: chatrooms.pendingFrom,
      })
      .from(messages)
      .innerJoin(chatrooms, eq(chatrooms.id, messages.chatroomId))
      .innerJoin(users, eq(users.id, chatrooms.userId))
      .where(and(eq(messages.id, placeholder('replyId')), isNull(messages.completedAt)))
      .prepare()
    // Walks messages_in_order over the prompts between and what was cancelled.
    const nextPending = sqlite.query<{ position: number }, [string, number]>(`
      SELECT position FROM messages WHERE chatroom_id = ?1 AND position > ?2 AND completed_at IS NULL
      ORDER BY position LIMIT 1`)
    const grow = sqlite.query<unknown, [string, number, number | null, number]>(
      'UPDATE chatrooms SET revision = ?2, pending_from = ?3, stored_bytes = stored_bytes + ?4 WHERE id = ?1',
    )
    const findStarted = sqlite.query<unknown, [number]>(
      'SELECT 1 FROM jobs WHERE id = ?1 AND claims > unused_claims',
    )
    const isStarted = (jobId: number | null) => jobId !== null && findStarted.get(jobId) !== null
    const end = sqlite.query<unknown, [Record<string, string | number | null>]>(`
      UPDATE messages SET status = $status, content = $content, attempt = $attempt, final_revision = $revision,
        error_code = $errorCode, error_message = $errorMessage, model = $model, finish_reason = $finishReason,
        prompt_tokens = $promptTokens, reply_tokens = $replyTokens, context_messages = $contextMessages,
        context_characters = $contextCharacters, completed_at = $now
      WHERE key = $key`)
    const toSearch = sqlite.query<unknown, [number]>('INSERT INTO search_pending (key) VALUES (?1)')
    return (tx, input) => {
      const { replyId, status, error, model, finishReason, usage, context, now } = input
      const reply = find.get({ replyId })
      if (!reply) return
      const keepsText = status === 'complete' || status === 'cancelled'
      const content = keepsText ? (input.content ?? reply.content) : ''
      const bytes = Buffer.byteLength(content)
      const revision = reply.revision + 1
      const { roomId, position, pendingFrom } = reply
      const stillFrom =
        position === pendingFrom ? nextPending.get(roomId, position)?.position : pendingFrom
      grow.run(roomId, revision, stillFrom ?? null, bytes)
      end.run({
        key: reply.key,
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
      if (content !== '') toSearch.run(reply.key)
      // The live text goes before readers hear of the end, or they would take it for a reply of its own.
      tx.notify(REPLY_ENDED, replyId)
      tx.notify(roomTopic(reply.roomId), 'stored')
      if (status === 'complete' && reply.titleBy === 'nobody') onUntitled(tx, reply)
      // A prompt that may have reached the provider stays charged, unless the provider or this server failed.
      const isRefunded = status === 'failed' || (status === 'cancelled' && !isStarted(reply.jobId))
      const { numberDigest, paidOn } = reply
      quotas.settle(tx, { numberDigest, bytes, refundTo: isRefunded ? paidOn : null })
      if (isRefunded) tx.notify(userTopic(reply.userId), 'quota')
    }
  })
}

/** Writes the text so far behind the fence of the claim; false when the claim holds the job no more. */
export const savePartial: Command<Partial, boolean> = syncCommand(
  'messages.save-partial',
  ({ sqlite }) => {
    const save = sqlite.query<{ id: string }, [Record<string, string | number>]>(`
    UPDATE messages SET status = 'streaming', content = $content, attempt = $claims
    WHERE id = $replyId AND completed_at IS NULL
      AND EXISTS (SELECT 1 FROM jobs WHERE id = $jobId AND claims = $claims AND state = 'running')
    RETURNING id`)
    return (_tx, partial) => save.get({ ...partial }) !== null
  },
)

/** @throws Problem 404, 409 */
export function createCancelReply(
  queue: Queue,
): Command<{ userId: string; roomId: string; messageId: string }, 'cancelled' | 'stopping'> {
  return syncCommand('messages.cancel', ({ orm }) => {
    const find = orm
      .select({ jobId: messages.jobId, completedAt: messages.completedAt })
      .from(messages)
      .innerJoin(chatrooms, eq(chatrooms.id, messages.chatroomId))
      .where(
        and(
          eq(messages.id, placeholder('messageId')),
          eq(messages.chatroomId, placeholder('roomId')),
          eq(chatrooms.userId, placeholder('userId')),
        ),
      )
      .prepare()
    return (tx, input) => {
      const message = find.get(input)
      if (!message) throw notFound()
      const result =
        message.completedAt === null && message.jobId !== null && queue.cancel(tx, message.jobId)
      if (result === false || result === 'ended') {
        throw new Problem(
          409,
          'already-final',
          'This message is final; there is nothing left to cancel.',
        )
      }
      return result
    }
  })
}

/** Replies that one commit cancels: each takes a fifth of a millisecond, and fifty may wait. */
const CANCELLED_AT_ONCE = 20

/**
 * Cancels what a room still waits for, as when it is deleted. False where more
 * is left than one commit cancels; then nothing else must be done in it.
 */
export function createCancelPending(
  queue: Queue,
  end: Command<ReplyEnd, void>,
): Command<RoomEnd, boolean> {
  return syncCommand('messages.cancel-pending', ({ orm }) => {
    const pending = orm
      .select({ replyId: messages.id, jobId: messages.jobId })
      .from(messages)
      .where(
        and(
          eq(messages.chatroomId, placeholder('roomId')),
          sql`${messages.position} >= (SELECT pending_from FROM chatrooms WHERE id = ${placeholder('roomId')})`,
          isNull(messages.completedAt),
        ),
      )
      .orderBy(desc(messages.position))
      .limit(CANCELLED_AT_ONCE + 1)
      .prepare()
    return (tx, { roomId, now }) => {
      const found = pending.all({ roomId })
      // The last first, so that the end of one does not wake the next only to be cancelled.
      for (const { replyId, jobId } of found.slice(0, CANCELLED_AT_ONCE)) {
        const result = jobId === null ? 'ended' : queue.cancel(tx, jobId)
        if (result === 'cancelled') continue
        // Its worker will let go later and find the reply final.
        tx.run(end, cancelledEnd(replyId, now))
      }
      return found.length <= CANCELLED_AT_ONCE
    }
  })
}

/** Keeps the text that is stored. */
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
