import { sql } from 'drizzle-orm'
import { chatrooms, messages } from '#drizzle/schema.ts'
import { contains } from '#src/database/dialect.ts'
import { columns, insertInto, statement, update } from '#src/database/statement.ts'

type TitleBy = (typeof chatrooms.$inferSelect)['titleBy']

/** What says how a room is found again, and what a cursor of the list holds. */
export type RoomKey = {
  activeAt: number
  id: string
}

export type RoomRow = RoomKey & {
  title: string
  titleBy: TitleBy
  systemPrompt: string | null
  model: string | null
  userMessages: number
  assistantMessages: number
  lastMessageAt: number | null
  pendingReply: string | null
  createdAt: number
  updatedAt: number
}

type Owned = { roomId: string; userId: string }

const ROOM = columns({
  id: chatrooms.id,
  title: chatrooms.title,
  titleBy: chatrooms.titleBy,
  systemPrompt: chatrooms.systemPrompt,
  model: chatrooms.model,
  userMessages: chatrooms.userMessages,
  assistantMessages: chatrooms.assistantMessages,
  lastMessageAt: chatrooms.lastMessageAt,
  activeAt: chatrooms.activeAt,
  createdAt: chatrooms.createdAt,
  updatedAt: chatrooms.updatedAt,
  // By messages_in_order.
  pendingReply: sql`(SELECT ${messages.id} FROM ${messages}
    WHERE ${messages.chatroomId} = ${chatrooms.id} AND ${messages.position} = ${chatrooms.pendingFrom})`,
})
const PLACE = sql`(${chatrooms.activeAt}, ${chatrooms.id})`

/** By the primary key. */
export const findRoom = statement<Owned, RoomRow>(
  (p) => sql`SELECT ${ROOM} FROM ${chatrooms}
    WHERE ${chatrooms.id} = ${p.roomId} AND ${chatrooms.userId} = ${p.userId}`,
)

/** By the primary key. */
export const findStoredBytes = statement<{ roomId: string }, { storedBytes: number }>(
  (p) => sql`SELECT ${chatrooms.storedBytes} AS "storedBytes" FROM ${chatrooms}
    WHERE ${chatrooms.id} = ${p.roomId}`,
)

/** By chatrooms_of_user, from behind one room up to another; the comparison of rows seeks instead of scanning. */
export const listRooms = statement<
  RoomKey & {
    userId: string
    untilActiveAt: number
    untilId: string
    search: string
    limit: number
  },
  RoomRow
>(
  (p) => sql`SELECT ${ROOM} FROM ${chatrooms}
    WHERE ${chatrooms.userId} = ${p.userId} AND ${PLACE} < (${p.activeAt}, ${p.id})
      AND ${PLACE} >= (${p.untilActiveAt}, ${p.untilId})
      AND ${contains(chatrooms.titleFolded, p.search)}
    ORDER BY ${chatrooms.activeAt} DESC, ${chatrooms.id} DESC LIMIT ${p.limit}`,
)

/** By chatrooms_of_user alone: the room that is `skip` places further. */
export const findRoomBehind = statement<RoomKey & { userId: string; skip: number }, RoomKey>(
  (p) => sql`SELECT ${chatrooms.activeAt} AS "activeAt", ${chatrooms.id} AS id FROM ${chatrooms}
    WHERE ${chatrooms.userId} = ${p.userId} AND ${PLACE} < (${p.activeAt}, ${p.id})
    ORDER BY ${chatrooms.activeAt} DESC, ${chatrooms.id} DESC LIMIT 1 OFFSET ${p.skip}`,
)

type Named = { title: string; titleFolded: string; titleBy: TitleBy }
type Settings = { systemPrompt: string | null; model: string | null }

export const insertRoom = statement<
  Named & Settings & { id: string; userId: string; storedBytes: number; now: number }
>((p) =>
  insertInto(chatrooms, {
    id: p.id,
    userId: p.userId,
    title: p.title,
    titleFolded: p.titleFolded,
    titleBy: p.titleBy,
    systemPrompt: p.systemPrompt,
    model: p.model,
    storedBytes: p.storedBytes,
    activeAt: p.now,
    createdAt: p.now,
    updatedAt: p.now,
  }),
)

/** By the primary key. */
export const updateRoom = statement<
  Named & Settings & { roomId: string; grownBytes: number; now: number }
>(
  (p) =>
    sql`${update(chatrooms, {
      title: p.title,
      titleFolded: p.titleFolded,
      titleBy: p.titleBy,
      systemPrompt: p.systemPrompt,
      model: p.model,
      storedBytes: sql`stored_bytes + ${p.grownBytes}`,
      updatedAt: p.now,
    })} WHERE ${chatrooms.id} = ${p.roomId}`,
)

/** By the primary key; its messages go with it. */
export const removeRoom = statement<{ roomId: string }>(
  (p) => sql`DELETE FROM ${chatrooms} WHERE ${chatrooms.id} = ${p.roomId}`,
)
