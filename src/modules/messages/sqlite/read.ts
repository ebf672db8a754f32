import { and, asc, desc, eq, gt, isNull, lt, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { chatrooms, messages } from '#drizzle/schema.ts'
import { compile, named } from '#src/database/compile.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { CHANGES_BYTES, takeRows } from '#src/lib/page.ts'
import type { Measured } from '../../assistant/context.ts'
import type { MessageStore } from '../store.ts'
import { columns, placedColumns, toMessage, toPlaced } from './rows.ts'

const { placeholder } = sql

/** Exchanges fetched at once for the context window where nothing tells how many it will hold. */
const FEW_EXCHANGES = 4
/**
 * However short they are, the window holds no more: eight thousand messages of one letter took 10 ms of the event loop at
 * each prompt.
 */
const MOST_EXCHANGES = 200

type Reads = Pick<
  MessageStore,
  'latest' | 'page' | 'find' | 'task' | 'past' | 'changes' | 'waiting'
>

export function createReads({ orm, sqlite, snapshot }: Database): Reads {
  const inRoom = eq(messages.chatroomId, placeholder('roomId'))
  const room = compile(sqlite, () =>
    orm
      .select(named({ revision: chatrooms.revision }))
      .from(chatrooms)
      .where(
        and(eq(chatrooms.id, placeholder('roomId')), eq(chatrooms.userId, placeholder('userId'))),
      ),
  )
  // Walks messages_in_order back to it, over the versions of its reply.
  const lastPrompt = compile(sqlite, () =>
    orm
      .select(columns)
      .from(messages)
      .where(and(inRoom, sql`${messages.role} = 'user'`))
      .orderBy(desc(messages.position))
      .limit(1),
  )
  // Uses messages_one_reply_per_version.
  const lastReply = compile(sqlite, () =>
    orm
      .select(columns)
      .from(messages)
      .where(eq(messages.replyTo, placeholder('promptId')))
      .orderBy(desc(messages.version))
      .limit(1),
  )
  const one = compile(sqlite, () =>
    orm
      .select(columns)
      .from(messages)
      .where(and(eq(messages.id, placeholder('messageId')), inRoom)),
  )
  // Both walk messages_in_order.
  const ascending = compile(sqlite, () =>
    orm
      .select(columns)
      .from(messages)
      .where(and(inRoom, gt(messages.position, placeholder('after'))))
      .orderBy(asc(messages.position))
      .limit(placeholder('limit')),
  )
  const descending = compile(sqlite, () =>
    orm
      .select(columns)
      .from(messages)
      .where(and(inRoom, lt(messages.position, placeholder('after'))))
      .orderBy(desc(messages.position))
      .limit(placeholder('limit')),
  )
  // The first uses messages_in_order, the second messages_by_final_revision. A reply is announced without its text, which
  // is not read then: it may be a megabyte.
  const added = compile(sqlite, () =>
    orm
      .select({
        ...placedColumns,
        content:
          sql<string>`CASE ${messages.role} WHEN 'user' THEN ${messages.content} ELSE '' END`.as(
            'content',
          ),
      })
      .from(messages)
      .where(and(inRoom, gt(messages.position, placeholder('after'))))
      .orderBy(asc(messages.position))
      .limit(placeholder('limit')),
  )
  const finished = compile(sqlite, () =>
    orm
      .select(placedColumns)
      .from(messages)
      .where(
        and(
          inRoom,
          gt(messages.finalRevision, placeholder('after')),
          sql`${messages.role} = 'assistant'`,
        ),
      )
      .orderBy(asc(messages.finalRevision))
      .limit(placeholder('limit')),
  )
  const waiting = compile(sqlite, () =>
    orm
      .select(placedColumns)
      .from(messages)
      .where(
        and(
          inRoom,
          sql`${messages.position} = (SELECT pending_from FROM chatrooms WHERE id = ${placeholder('roomId')})`,
        ),
      ),
  )

  const prompts = alias(messages, 'prompts')
  const task = compile(sqlite, () =>
    orm
      .select(
        named({
          userId: chatrooms.userId,
          roomId: chatrooms.id,
          replyId: messages.id,
          replyPosition: messages.position,
          prompt: prompts.content,
          promptPosition: prompts.position,
          systemPrompt: chatrooms.systemPrompt,
          model: chatrooms.model,
        }),
      )
      .from(messages)
      .innerJoin(prompts, eq(prompts.id, messages.replyTo))
      .innerJoin(chatrooms, eq(chatrooms.id, messages.chatroomId))
      .where(and(eq(messages.id, placeholder('replyId')), isNull(messages.completedAt))),
  )
  const replies = alias(messages, 'replies')
  // A prompt with the latest whole version of its reply; one without such a reply is left out.
  const exchanges = compile(sqlite, () =>
    orm
      .select(
        named({
          position: messages.position,
          prompt: messages.content,
          reply: replies.content,
          replyTokens: replies.replyTokens,
          promptTokens: replies.promptTokens,
          characters: replies.contextCharacters,
          contextMessages: replies.contextMessages,
        }),
      )
      .from(messages)
      .innerJoin(
        replies,
        sql`${replies.key} = (SELECT r.key FROM messages r WHERE r.reply_to = ${messages.id}
        AND r.status = 'complete' ORDER BY r.version DESC LIMIT 1)`,
      )
      .where(
        and(inRoom, sql`${messages.role} = 'user'`, lt(messages.position, placeholder('before'))),
      )
      .orderBy(desc(messages.position))
      .limit(placeholder('limit')),
  )

  /**
   * The newest first, a few at a time until one tells how many messages its own window held: the next will hold about
   * as many, and what is read in vain are pages of the file.
   */
  function* walkExchanges(roomId: string, latest: ReturnType<typeof exchanges.all>) {
    let rows = latest
    let limit = FEW_EXCHANGES
    let seen = 0
    for (;;) {
      yield* rows
      const last = rows.at(-1)
      if (!last || rows.length < limit) return
      seen += rows.length
      if (seen >= MOST_EXCHANGES) return
      const held = Math.ceil((latest[0]?.contextMessages ?? 0) / 2) + 1
      limit = Math.min(Math.max(FEW_EXCHANGES, held - seen), MOST_EXCHANGES - seen)
      rows = exchanges.all({ roomId, before: last.position, limit })
    }
  }

  return {
    async latest({ userId, roomId }) {
      if (!room.get({ userId, roomId })) return undefined
      const prompt = lastPrompt.get({ roomId })
      const reply = prompt && lastReply.get({ promptId: prompt.id })
      return {
        prompt: prompt ? toMessage(prompt, roomId) : null,
        reply: reply ? toMessage(reply, roomId) : null,
      }
    },
    async page({ userId, roomId, limit, after, order }) {
      if (!room.get({ userId, roomId })) return undefined
      const walk = order === 'asc' ? ascending : descending
      const from = after ?? (order === 'asc' ? 0 : Number.MAX_SAFE_INTEGER)
      const { rows, hasMore } = takeRows(
        walk.each({ roomId, limit: limit + 1, after: from }),
        limit,
        texts,
      )
      return {
        rows: rows.map((row) => ({ message: toMessage(row, roomId), position: row.position })),
        hasMore,
      }
    },
    async find({ userId, roomId, messageId }) {
      if (!room.get({ userId, roomId })) return undefined
      const row = one.get({ roomId, messageId })
      return row && toMessage(row, roomId)
    },
    changes({ userId, roomId, since, limit }) {
      // One commit wakes every reader of its rooms in the same turn.
      snapshot.hold()
      const revision = room.get({ userId, roomId })?.revision
      if (revision === undefined) return undefined
      if (revision <= since) return { revision, until: revision, added: [], finished: [] }
      const read = (walk: typeof added) =>
        takeRows(walk.each({ roomId, after: since, limit: limit + 1 }), limit, texts, CHANGES_BYTES)
      const [more, ended] = [read(added), read(finished)]
      return {
        revision,
        until: Math.min(
          (more.hasMore && more.rows.at(-1)?.position) || revision,
          (ended.hasMore && ended.rows.at(-1)?.finalRevision) || revision,
        ),
        added: more.rows.map((row) => toPlaced(row, roomId)),
        finished: ended.rows.map((row) => toPlaced(row, roomId)),
      }
    },
    waiting(roomId) {
      const row = waiting.get({ roomId })
      return row && toPlaced(row, roomId)
    },
    task: async (replyId) => task.get({ replyId }),
    past({ roomId, before }) {
      const latest = exchanges.all({ roomId, before, limit: FEW_EXCHANGES })
      return { exchanges: walkExchanges(roomId, latest), measured: measuredLast(latest) }
    },
  }
}

const texts = ({ content }: { content: string }) => [content]

function measuredLast(
  newestFirst: readonly { promptTokens: number | null; characters: number | null }[],
): Measured | undefined {
  for (const { promptTokens, characters } of newestFirst) {
    if (promptTokens !== null && characters !== null) return { promptTokens, characters }
  }
  return undefined
}
