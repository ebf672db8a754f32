import { query, type Steps } from '#src/database/steps.ts'
import { CHANGES_BYTES, PAGE_TEXT_BYTES, type Rows, takeRows } from '#src/lib/page.ts'
import { toInstant } from '#src/lib/time.ts'
import { fitWindow, type Measured } from '../assistant/context.ts'
import type { Exchange, Message } from './model.ts'
import {
  type ExchangeRow,
  findLastPrompt,
  findLastReply,
  findMessage,
  findPendingReply,
  findRevision,
  findTask,
  listAdded,
  listAscending,
  listDescending,
  listExchanges,
  listFinished,
  type MessageRow,
  type PlacedRow,
} from './statements.ts'

/** Exchanges fetched at once for the context window while it is unknown how many it will hold. */
const FEW_EXCHANGES = 4
/**
 * The window holds no more exchanges, however short they are: eight thousand messages of one letter took 10 ms of the
 * event loop at each prompt.
 */
const MOST_EXCHANGES = 200
/** Messages fetched at once for a page: a page of long texts must not read many rows that it cannot hold. */
const FEW_MESSAGES = 16

interface RoomAsked {
  userId: string
  roomId: string
}

/** A message with its place, for events and pages. */
export interface PlacedMessage {
  message: Message
  position: number
  finalRevision: number | null
  attempt: number
}

/** Both lists end at the given limit, and earlier where their texts are too long for a page. */
export interface Changes {
  revision: number
  /** Up to this revision both lists are complete. */
  until: number
  /** Prompts and replies added since. */
  added: PlacedMessage[]
  /** Replies that became final since. */
  finished: PlacedMessage[]
}

/** The latest prompt and the latest version of its reply; undefined where the room is not the user's. */
export const getLatest = query('messages.latest', function* (tx, { userId, roomId }: RoomAsked) {
  if (!(yield* tx.first(findRevision, { userId, roomId }))) return undefined
  const prompt = yield* tx.first(findLastPrompt, { roomId })
  const reply = prompt && (yield* tx.first(findLastReply, { promptId: prompt.id }))
  const exchange: Exchange = {
    prompt: prompt ? toMessage(prompt, roomId) : null,
    reply: reply ? toMessage(reply, roomId) : null,
  }
  return exchange
})

/** At most `limit` messages and `PAGE_TEXT_BYTES` of text; undefined where the room is not the user's. */
export const getPage = query(
  'messages.page',
  function* (
    tx,
    {
      userId,
      roomId,
      limit,
      after,
      order,
    }: RoomAsked & { limit: number; after: number | undefined; order: 'asc' | 'desc' },
  ) {
    if (!(yield* tx.first(findRevision, { userId, roomId }))) return undefined
    const list = order === 'asc' ? listAscending : listDescending
    return yield* takeMessages<MessageRow>({
      read: (from, most) => tx.all(list, { roomId, after: from, limit: most }),
      placeOf: ({ position }) => position,
      after: after ?? (order === 'asc' ? 0 : Number.MAX_SAFE_INTEGER),
      limit,
      limitBytes: PAGE_TEXT_BYTES,
    })
  },
)

/** Undefined where there is no such message in a room of this user. */
export const getMessage = query(
  'messages.get',
  function* (tx, { userId, roomId, messageId }: RoomAsked & { messageId: string }) {
    if (!(yield* tx.first(findRevision, { userId, roomId }))) return undefined
    const row = yield* tx.first(findMessage, { roomId, messageId })
    return row && toMessage(row, roomId)
  },
)

/** What happened in a room after a revision, in its order; undefined where the room is not the user's. */
export const getChanges = query(
  'messages.changes',
  function* (tx, { userId, roomId, since, limit }: RoomAsked & { since: number; limit: number }) {
    const room = yield* tx.first(findRevision, { userId, roomId })
    if (!room) return undefined
    const { revision } = room
    const changes: Changes = { revision, until: revision, added: [], finished: [] }
    if (revision <= since) return changes
    const bounds = { after: since, limit, limitBytes: CHANGES_BYTES }
    const added = yield* takeMessages<PlacedRow>({
      read: (after, most) => tx.all(listAdded, { roomId, after, limit: most }),
      placeOf: ({ position }) => position,
      ...bounds,
    })
    const finished = yield* takeMessages<PlacedRow>({
      read: (after, most) => tx.all(listFinished, { roomId, after, limit: most }),
      placeOf: ({ finalRevision }) => finalRevision ?? 0,
      ...bounds,
    })
    changes.until = Math.min(
      (added.hasMore && added.rows.at(-1)?.position) || revision,
      (finished.hasMore && finished.rows.at(-1)?.finalRevision) || revision,
    )
    changes.added = added.rows.map((row) => toPlaced(row, roomId))
    changes.finished = finished.rows.map((row) => toPlaced(row, roomId))
    return changes
  },
)

/** The first reply of a room that is not final. */
export const getPendingReply = query(
  'messages.pending',
  function* (tx, { roomId }: { roomId: string }) {
    const row = yield* tx.first(findPendingReply, { roomId })
    return row && toPlaced(row, roomId)
  },
)

/** Undefined once the reply is final or gone. */
export const getTask = query('messages.task', (tx, asked: { replyId: string }) =>
  tx.first(findTask, asked),
)

/**
 * The past exchanges that fit beside a prompt. The newest are read first, a few at a time. The first says how many
 * messages its own window held: this one will hold about as many, and rows read in vain cost pages of the file.
 */
export const getWindow = query(
  'messages.window',
  function* (
    tx,
    asked: { roomId: string; before: number; system: string; prompt: string; budget: number },
  ) {
    const { roomId, system, prompt, budget } = asked
    const exchanges: ExchangeRow[] = []
    let { before } = asked
    let limit = FEW_EXCHANGES
    let measured: Measured | undefined
    for (;;) {
      const rows = yield* tx.all(listExchanges, { roomId, before, limit })
      if (exchanges.length === 0) measured = measuredLast(rows)
      exchanges.push(...rows)
      const window = fitWindow({ system, prompt, budget, exchanges, measured })
      const last = rows.at(-1)
      const isFull = window.turns.length < 2 * exchanges.length
      if (isFull || !last || rows.length < limit) return window
      if (exchanges.length >= MOST_EXCHANGES) return window
      const held = Math.ceil((exchanges[0]?.contextMessages ?? 0) / 2) + 1
      const left = MOST_EXCHANGES - exchanges.length
      limit = Math.min(Math.max(FEW_EXCHANGES, held - exchanges.length), left)
      before = last.position
    }
  },
)

/** What the provider counted for the latest of these requests that it counted at all. */
function measuredLast(newestFirst: readonly ExchangeRow[]): Measured | undefined {
  for (const { promptTokens, characters } of newestFirst) {
    if (promptTokens !== null && characters !== null) return { promptTokens, characters }
  }
  return undefined
}

/** {@link takeRows} of a list that is read a few rows at a time. */
function* takeMessages<Row extends { content: string }>(list: {
  read: (after: number, most: number) => Steps<Row[]>
  /** What `read` goes on from. */
  placeOf: (row: Row) => number
  after: number
  limit: number
  limitBytes: number
}): Steps<Rows<Row>> {
  const { read, placeOf, limit, limitBytes } = list
  const found: Row[] = []
  let { after } = list
  for (;;) {
    const most = Math.min(FEW_MESSAGES, limit + 1 - found.length)
    const more = yield* read(after, most)
    found.push(...more)
    const taken = takeRows(found, limit, ({ content }) => [content], limitBytes)
    const last = more.at(-1)
    if (taken.hasMore || !last || more.length < most) return taken
    after = placeOf(last)
  }
}

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

function toPlaced(row: PlacedRow, chatroomId: string): PlacedMessage {
  const { position, finalRevision, attempt } = row
  return { message: toMessage(row, chatroomId), position, finalRevision, attempt }
}
