import { query } from '#src/database/steps.ts'
import { fold } from '#src/lib/fold.ts'
import { type Rows, takeRows } from '#src/lib/page.ts'
import { toInstant } from '#src/lib/time.ts'
import type { Room } from './model.ts'
import { findRoom, findRoomBehind, listRooms, type RoomKey, type RoomRow } from './statements.ts'

/** Rooms whose titles are compared for one page: all of a user's many would hold up everything else. */
const COMPARED_ROOMS = 2_000

export interface RoomsAsked {
  userId: string
  limit: number
  after: RoomKey | undefined
  /** Only rooms whose title holds this, compared without case and accents. */
  search: string | undefined
}

/** Undefined where there is none of this user. */
export const getRoom = query(
  'rooms.get',
  function* (tx, asked: { userId: string; roomId: string }) {
    const row = yield* tx.first(findRoom, asked)
    return row && toRoom(row)
  },
)

/** Most recently active first. `until` is the last room whose title was compared, where there are more. */
export const getRooms = query(
  'rooms.list',
  function* (tx, { userId, limit, after, search }: RoomsAsked) {
    const from = after ?? { activeAt: Number.MAX_SAFE_INTEGER, id: '' }
    const until =
      search === undefined
        ? undefined
        : yield* tx.first(findRoomBehind, { userId, ...from, skip: COMPARED_ROOMS - 1 })
    const found = yield* tx.all(listRooms, {
      ...from,
      userId,
      limit: limit + 1,
      search: fold(search ?? ''),
      untilActiveAt: until?.activeAt ?? Number.MIN_SAFE_INTEGER,
      untilId: until?.id ?? '',
    })
    // The instruction to the model may be long; all else is short.
    const { rows, hasMore } = takeRows(found, limit, ({ systemPrompt }) => [systemPrompt])
    const page: Rows<RoomRow> & { until?: RoomKey } = { rows, hasMore, ...(until && { until }) }
    return page
  },
)

export function toRoom(row: RoomRow): Room {
  return {
    id: row.id,
    title: row.title,
    systemPrompt: row.systemPrompt,
    model: row.model,
    messageCount: { user: row.userMessages, assistant: row.assistantMessages },
    lastMessageAt: row.lastMessageAt === null ? null : toInstant(row.lastMessageAt),
    pendingReply: row.pendingReply,
    createdAt: toInstant(row.createdAt),
    updatedAt: toInstant(row.updatedAt),
  }
}
