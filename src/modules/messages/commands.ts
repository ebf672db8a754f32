import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { notFound, Problem } from '#src/lib/problem.ts'
import { once } from '#src/modules/idempotency/commands.ts'
import type { IdempotencyKey } from '#src/modules/idempotency/key.ts'
import { roomTopic, userTopic } from '#src/plugins/topics.ts'
import type { Queue } from '#src/queue/queue.ts'
import type { Quotas } from '../quota/service.ts'
import { type Acceptance, quotaOf, type Receipt, toReceipt } from './acceptance.ts'
import { toMessage } from './queries.ts'
import { findMessage, findReplyAt } from './statements.ts'
import {
  findForRegeneration,
  findRoom,
  growRoom,
  insertPrompt,
  insertReply,
  insertSearchPending,
} from './write-statements.ts'

export const REPLY_KIND = 'message.reply'

export interface AcceptDeps {
  queue: Queue
  quotas: Pick<Quotas, 'take'>
  /** A reply that has not begun so long after its prompt was accepted fails, milliseconds. */
  deadlineMs: number
}

interface NewReply {
  userId: string
  roomId: string
  replyId: string
  claim: IdempotencyKey | undefined
  trace: string | null
  now: number
}

export type PromptToAccept = NewReply & { promptId: string; text: string }

/** `messageId` is a reply, of any version. */
export type ReplyToRegenerate = NewReply & { messageId: string }

/**
 * One transaction accepts a prompt: idempotency key, quota, prompt row, reply row, job.
 * @throws Problem 404, 429, 409, 422
 */
export function createAccept(deps: AcceptDeps) {
  return command('messages.accept', function* (tx, input: PromptToAccept): Steps<Acceptance> {
    const { value, replayed } = yield* once(tx, input, function* () {
      const { userId, roomId, promptId, text, now } = input
      const room = yield* tx.first(findRoom, { roomId, userId })
      if (!room) throw notFound()
      const bytes = Buffer.byteLength(text)
      const payer = { userId, numberDigest: room.numberDigest }
      const { quota, paidOn } = yield* deps.quotas.take(tx, payer, bytes)
      const position = room.revision + 1
      const revision = position + 1
      yield* tx.run(growRoom, { roomId, revision, prompts: 1, bytes, now })
      const owner = ownerWord(userId)
      const prompt = yield* tx.first(insertPrompt, { promptId, roomId, owner, position, text, now })
      if (prompt) yield* tx.run(insertSearchPending, prompt)
      yield* addReply(tx, deps, { ...input, position: revision, version: 1, paidOn })
      return toReceipt(revision, quota)
    })
    if (replayed) return { replayed, ...(yield* recall(tx, input, value)) }
    // The caller still has the prompt it sent, so only the quota is returned.
    return { replayed, quota: quotaOf(value) }
  })
}

/**
 * Asks for a new version of a reply, after the replies that the room already waits for. Costs one prompt.
 * @throws Problem 404, 409, 422, 429
 */
export function createRegenerate(deps: AcceptDeps) {
  return command('messages.regenerate', function* (tx, input: ReplyToRegenerate): Steps<
    Required<Acceptance>
  > {
    const { value, replayed } = yield* once(tx, input, function* () {
      const { userId, roomId, messageId, now } = input
      const room = yield* tx.first(findRoom, { roomId, userId })
      const old = room && (yield* tx.first(findForRegeneration, { messageId, roomId }))
      if (!room || !old) throw notFound()
      const { promptId } = old
      if (promptId === null) {
        throw new Problem(422, 'not-a-reply', 'Only a reply can be regenerated, not a prompt.')
      }
      if (old.completedAt === null) {
        throw new Problem(
          409,
          'reply-not-final',
          'This reply is still in the making. Cancel it first, or wait.',
        )
      }
      const version = (old.lastVersion ?? 0) + 1
      const payer = { userId, numberDigest: room.numberDigest }
      const { quota, paidOn } = yield* deps.quotas.take(tx, payer, 0)
      const revision = room.revision + 1
      yield* tx.run(growRoom, { roomId, revision, prompts: 0, bytes: 0, now })
      yield* addReply(tx, deps, { ...input, promptId, position: revision, version, paidOn })
      return toReceipt(revision, quota)
    })
    return { replayed, ...(yield* recall(tx, input, value)) }
  })
}

function* addReply(
  tx: Tx,
  { queue, deadlineMs }: AcceptDeps,
  reply: NewReply & { promptId: string; position: number; version: number; paidOn: string | null },
): Steps<void> {
  const { userId, roomId, replyId, promptId, position, version, paidOn, trace, now } = reply
  const jobId = yield* queue.enqueue(tx, {
    kind: REPLY_KIND,
    concurrencyKey: concurrencyKeyOf(roomId),
    owner: userId,
    body: { replyId },
    deadlineAt: now + deadlineMs,
    ...(trace === null ? {} : { trace }),
  })
  const row = { replyId, roomId, promptId, position, version, paidOn, now }
  yield* tx.run(insertReply, { ...row, owner: ownerWord(userId), jobId: jobId ?? null })
  tx.notify(roomTopic(roomId), 'stored')
  tx.notify(userTopic(userId), 'quota')
}

/** The same answer as the first time, whatever has become of the reply since. @throws Problem 404 where the room is gone */
function* recall(
  tx: Tx,
  { roomId, userId }: { roomId: string; userId: string },
  receipt: Receipt,
): Steps<Omit<Required<Acceptance>, 'replayed'>> {
  const reply = yield* tx.first(findReplyAt, { roomId, userId, position: receipt[0] })
  const prompt = reply && (yield* tx.first(findMessage, { roomId, messageId: reply.promptId }))
  if (!reply || !prompt) throw notFound()
  return { quota: quotaOf(receipt), prompt: toMessage(prompt, roomId), reply }
}

/** The random half of a room's id: short, as each job stores it. Two rooms that shared it would only wait for each other. */
export function concurrencyKeyOf(roomId: string): string {
  return roomId.replaceAll('-', '').slice(-16)
}

/** A user's id as one word of the search index. */
function ownerWord(userId: string): string {
  return userId.replaceAll('-', '')
}
