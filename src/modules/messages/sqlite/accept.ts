import { and, eq, sql } from 'drizzle-orm'
import { messages } from '#drizzle/schema.ts'
import { type Command, type Connection, type SyncTx, syncCommand } from '#src/database/command.ts'
import { notFound, Problem } from '#src/lib/problem.ts'
import { onceSync } from '#src/modules/idempotency/commands.ts'
import { IS_SOMEBODY, NUMBER_DIGEST } from '#src/plugins/somebody.ts'
import { roomTopic, userTopic } from '#src/plugins/topics.ts'
import type { Queue } from '#src/queue/queue.ts'
import type { Quotas } from '../../quota/service.ts'
import type { Acceptance } from '../accepted.ts'
import type { PromptToAccept, ReplyToRegenerate } from '../store.ts'
import { prepareRecall, quotaOf, toReceipt } from './receipt.ts'
import { columns } from './rows.ts'

const { placeholder } = sql

export const REPLY_KIND = 'message.reply'

export interface AcceptDeps {
  queue: Queue
  quotas: Quotas
  /** A reply that has not begun so long after its prompt was accepted fails, milliseconds. */
  deadlineMs: number
}

/** One transaction accepts a prompt: idempotency claim, quota, prompt row, reply row, job. */
export function createAccept(deps: AcceptDeps): Command<PromptToAccept, Acceptance> {
  return syncCommand('messages.accept', (connection) => {
    const rows = prepareRows(connection)
    const recall = prepareRecall(connection)
    return (tx, input) => {
      const { userId, roomId, promptId, now } = input
      const { value, replayed } = onceSync(tx, input, () => {
        const room = rows.findRoom.get(roomId, userId)
        if (!room) throw notFound()
        const bytes = Buffer.byteLength(input.text)
        const taken = deps.quotas.take(tx, { userId, numberDigest: room.numberDigest }, bytes)
        const position = room.revision + 1
        const revision = position + 1
        rows.growRoom.run({ roomId, revision, prompts: 1, bytes, now })
        const owner = ownerWord(userId)
        const prompt = { id: promptId, roomId, owner, position, content: input.text, now }
        rows.toSearch.run(rows.insertPrompt.run(prompt).lastInsertRowid)
        const reply = { ...input, promptId, position: revision, version: 1, paidOn: taken.paidOn }
        addReply(tx, deps, rows, reply)
        return toReceipt(revision, taken.quota)
      })
      // What was sent just now the main thread has.
      return replayed ? { replayed, ...recall(input, value) } : { replayed, quota: quotaOf(value) }
    }
  })
}

/** A new version of a reply, behind what the room already waits for. Costs one. */
export function createRegenerate(
  deps: AcceptDeps,
): Command<ReplyToRegenerate, Required<Acceptance>> {
  return syncCommand('messages.regenerate', (connection) => {
    const rows = prepareRows(connection)
    const recall = prepareRecall(connection)
    const find = connection.orm
      .select(columns)
      .from(messages)
      .where(
        and(eq(messages.id, placeholder('id')), eq(messages.chatroomId, placeholder('roomId'))),
      )
      .prepare()
    const lastVersion = connection.orm
      .select({ version: sql<number>`max(${messages.version})` })
      .from(messages)
      .where(eq(messages.replyTo, placeholder('promptId')))
      .prepare()
    return (tx, input) => {
      const { value, replayed } = onceSync(tx, input, () => {
        const { userId, roomId, now } = input
        const room = rows.findRoom.get(roomId, userId)
        const old = room && find.get({ id: input.messageId, roomId })
        if (!room || !old) throw notFound()
        if (old.replyTo === null) {
          throw new Problem(422, 'not-a-reply', 'Only a reply can be regenerated, not a prompt.')
        }
        if (old.completedAt === null) {
          throw new Problem(
            409,
            'reply-not-final',
            'This reply is still in the making. Cancel it first, or wait.',
          )
        }
        const promptId = old.replyTo
        const version = (lastVersion.get({ promptId })?.version ?? 0) + 1
        const taken = deps.quotas.take(tx, { userId, numberDigest: room.numberDigest }, 0)
        const revision = room.revision + 1
        rows.growRoom.run({ roomId, revision, prompts: 0, bytes: 0, now })
        const reply = {
          ...input,
          promptId,
          position: revision,
          version,
          paidOn: taken.paidOn,
        }
        addReply(tx, deps, rows, reply)
        return toReceipt(revision, taken.quota)
      })
      return { replayed, ...recall(input, value) }
    }
  })
}

/** Written out, because they run at each prompt and Drizzle takes longer to bind a row than SQLite to insert it. */
function prepareRows({ sqlite }: Connection) {
  return {
    // Who is being erased had a session a moment ago.
    findRoom: sqlite.query<{ revision: number; numberDigest: string }, [string, string]>(`
      SELECT revision, ${NUMBER_DIGEST} AS numberDigest FROM chatrooms JOIN users ON users.id = user_id AND ${IS_SOMEBODY}
      WHERE chatrooms.id = ?1 AND user_id = ?2`),
    growRoom: sqlite.query<unknown, [Record<string, string | number>]>(`
      UPDATE chatrooms SET revision = $revision, pending_from = coalesce(pending_from, $revision), user_messages = user_messages + $prompts,
        assistant_messages = assistant_messages + 1, stored_bytes = stored_bytes + $bytes, last_message_at = $now,
        active_at = $now
      WHERE id = $roomId`),
    insertPrompt: sqlite.query<unknown, [Record<string, string | number>]>(`
      INSERT INTO messages
        (id, chatroom_id, owner, position, final_revision, role, content, status, created_at, completed_at)
      VALUES ($id, $roomId, $owner, $position, $position, 'user', $content, 'complete', $now, $now)`),
    toSearch: sqlite.query<unknown, [number | bigint]>(
      'INSERT INTO search_pending (key) VALUES (?1)',
    ),
    insertReply: sqlite.query<unknown, [Record<string, string | number | null>]>(`
      INSERT INTO messages
        (id, chatroom_id, owner, position, role, content, status, reply_to, version, job_id, paid_on, created_at)
      VALUES ($replyId, $roomId, $owner, $position, 'assistant', '', 'queued', $promptId, $version, $jobId,
        $paidOn, $now)`),
  }
}

/** The random half of a room's id: short, as each job holds it, and two rooms that shared it would only wait for each other. */
export function laneOf(roomId: string): string {
  return roomId.replaceAll('-', '').slice(-16)
}

/** A user's id as one word of the search index. */
export function ownerWord(userId: string): string {
  return userId.replaceAll('-', '')
}

interface NewReply {
  userId: string
  roomId: string
  replyId: string
  promptId: string
  position: number
  version: number
  paidOn: string | null
  trace: string | null
  now: number
}

function addReply(
  tx: SyncTx,
  { queue, deadlineMs }: AcceptDeps,
  rows: ReturnType<typeof prepareRows>,
  reply: NewReply,
): void {
  const jobId = queue.enqueue(tx, {
    kind: REPLY_KIND,
    lane: laneOf(reply.roomId),
    owner: reply.userId,
    body: { replyId: reply.replyId },
    deadlineAt: reply.now + deadlineMs,
    ...(reply.trace === null ? {} : { trace: reply.trace }),
  })
  const { replyId, roomId, promptId, position, version, paidOn, now } = reply
  const owner = ownerWord(reply.userId)
  const place = { replyId, roomId, promptId, position, version, paidOn, now }
  rows.insertReply.run({ ...place, owner, jobId: jobId ?? null })
  tx.notify(roomTopic(reply.roomId), 'stored')
  tx.notify(userTopic(reply.userId), 'quota')
}
