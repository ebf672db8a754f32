import { and, desc, eq, sql } from 'drizzle-orm'
import { chatrooms } from '#drizzle/schema.ts'
import { type Command, type SyncTx, syncCommand } from '#src/database/command.ts'
import { compile, named } from '#src/database/compile.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { fold } from '#src/lib/fold.ts'
import { takeRows } from '#src/lib/page.ts'
import { toInstant } from '#src/lib/time.ts'
import { onceSync } from '#src/modules/idempotency/commands.ts'
import { spend } from '#src/modules/limits/commands.ts'
import { roomTopic } from '#src/plugins/topics.ts'
import type { Room, RoomChange } from './model.ts'
import type { RoomKey, RoomStore, RoomToCreate, RoomToRemove } from './store.ts'

const { placeholder } = sql

/** Rooms whose titles are compared for one page: all of a user's many would hold up everything else. */
const COMPARED_ROOMS = 2_000
/** Messages that one commit erases; a larger room would hold up every other write. */
const ERASED_AT_ONCE = 50

const columns = {
  ...named({
    id: chatrooms.id,
    title: chatrooms.title,
    systemPrompt: chatrooms.systemPrompt,
    model: chatrooms.model,
    userMessages: chatrooms.userMessages,
    assistantMessages: chatrooms.assistantMessages,
    lastMessageAt: chatrooms.lastMessageAt,
    activeAt: chatrooms.activeAt,
    createdAt: chatrooms.createdAt,
    updatedAt: chatrooms.updatedAt,
  }),
  // Uses messages_in_order. Written out, as Drizzle would leave the columns of a select from one table
  // unqualified, and `id` would be the message's.
  pendingReply: sql<string | null>`(SELECT m.id FROM messages m
    WHERE m.chatroom_id = chatrooms.id AND m.position = chatrooms.pending_from)`.as('pendingReply'),
}

type Row = Omit<Room, 'messageCount' | 'lastMessageAt' | 'createdAt' | 'updatedAt'> & {
  userMessages: number
  assistantMessages: number
  lastMessageAt: number | null
  activeAt: number
  createdAt: number
  updatedAt: number
}

export interface RoomStoreDeps {
  /** Ends what the room still waits for, or a part of it, and gives whether that was all. */
  cancelPending: Command<Omit<RoomToRemove, 'userId'>, boolean>
  /** Takes the room from its owner, to be erased later. */
  setAside: Command<{ roomId: string; now: number }, void>
  /** Counts text that is stored or freed. @throws Problem 409 `storage-full` */
  countText(tx: SyncTx, userId: string, bytes: number): void
}

export function createRoomStore(
  database: Database,
  { cancelPending, setAside, countText }: RoomStoreDeps,
): RoomStore {
  const { orm, sqlite } = database
  const owned = and(
    eq(chatrooms.id, placeholder('roomId')),
    eq(chatrooms.userId, placeholder('userId')),
  )
  const find = compile(sqlite, () => orm.select(columns).from(chatrooms).where(owned))
  // Pages walk chatrooms_of_user; the row comparison lets SQLite seek instead of scanning.
  const list = compile(sqlite, () =>
    orm
      .select(columns)
      .from(chatrooms)
      .where(
        and(
          eq(chatrooms.userId, placeholder('userId')),
          sql`(${chatrooms.activeAt}, ${chatrooms.id}) < (${placeholder('activeAt')}, ${placeholder('id')})`,
          sql`(${chatrooms.activeAt}, ${chatrooms.id}) >= (${placeholder('untilActiveAt')}, ${placeholder('untilId')})`,
          sql`instr(${chatrooms.titleFolded}, ${placeholder('search')}) > 0`,
        ),
      )
      .orderBy(desc(chatrooms.activeAt), desc(chatrooms.id))
      .limit(placeholder('limit')),
  )
  // Reads nothing but chatrooms_of_user. The last room that one page with a filter looks at.
  const lastCompared = sqlite.query<RoomKey, [string, number, string, number]>(`
    SELECT active_at AS activeAt, id FROM chatrooms WHERE user_id = ?1 AND (active_at, id) < (?2, ?3)
    ORDER BY active_at DESC, id DESC LIMIT 1 OFFSET ?4`)

  const create = syncCommand('rooms.create', (connection) => {
    const insert = connection.orm
      .insert(chatrooms)
      .values({
        id: placeholder('id'),
        userId: placeholder('userId'),
        title: placeholder('title'),
        titleFolded: placeholder('titleFolded'),
        titleBy: placeholder('titleBy'),
        systemPrompt: placeholder('systemPrompt'),
        model: placeholder('model'),
        storedBytes: placeholder('storedBytes'),
        activeAt: placeholder('now'),
        createdAt: placeholder('now'),
        updatedAt: placeholder('now'),
      })
      .prepare()
    return (tx, { userId, claim, limit, now, room }: RoomToCreate) => {
      const { value, replayed } = onceSync(tx, { userId, claim, now }, () => {
        tx.run(spend, { limits: [limit], now })
        const storedBytes = bytesOf(room)
        countText(tx, userId, storedBytes)
        insert.run({ ...room, userId, now, storedBytes, titleFolded: fold(room.title) })
        const body = toRoom(find.get({ roomId: room.id, userId }))
        if (!body) throw new Error('The room just made is not there')
        return { status: 201, body, location: `/v1/chatroom/${room.id}` }
      })
      return { ...value, replayed }
    }
  })

  const change = syncCommand(
    'rooms.change',
    ({ orm }) =>
      (tx, input: { userId: string; roomId: string; change: RoomChange; now: number }) => {
        const { title, systemPrompt, model } = input.change
        const room = find.get({ roomId: input.roomId, userId: input.userId })
        if (!room) return undefined
        const grownBytes = bytesOf({ ...room, ...input.change }) - bytesOf(room)
        countText(tx, input.userId, grownBytes)
        const set = {
          ...(title === undefined
            ? {}
            : { title, titleFolded: fold(title), titleBy: 'person' as const }),
          ...(systemPrompt === undefined ? {} : { systemPrompt }),
          ...(model === undefined ? {} : { model }),
          storedBytes: sql`${chatrooms.storedBytes} + ${grownBytes}`,
          updatedAt: input.now,
        }
        const here = and(eq(chatrooms.id, input.roomId), eq(chatrooms.userId, input.userId))
        orm.update(chatrooms).set(set).where(here).run()
        return toRoom(find.get({ roomId: input.roomId, userId: input.userId }))
      },
  )

  const remove = syncCommand('rooms.remove', ({ orm, sqlite }) => {
    const size = sqlite.query<{ bytes: number }, [string]>(
      'SELECT stored_bytes AS bytes FROM chatrooms WHERE id = ?1',
    )
    const drop = orm.delete(chatrooms).where(owned).returning({ id: chatrooms.id }).prepare()
    /** Undefined where it has to be run again. */
    return (tx, { userId, roomId, now }: RoomToRemove): boolean | undefined => {
      const room = find.get({ roomId, userId })
      if (!room) return false
      if (!tx.run(cancelPending, { roomId, now })) return undefined
      countText(tx, userId, -(size.get(roomId)?.bytes ?? 0))
      tx.notify(roomTopic(roomId), 'stored')
      if (room.userMessages + room.assistantMessages > ERASED_AT_ONCE) {
        tx.run(setAside, { roomId, now })
        return true
      }
      return drop.all({ roomId, userId }).length > 0
    }
  })

  return {
    create: (input) => database.execute(create, input),
    change: (input) => database.execute(change, input),
    async remove(input) {
      for (;;) {
        const isRemoved = await database.execute(remove, input)
        if (isRemoved !== undefined) return isRemoved
      }
    },
    find: async ({ userId, roomId }) => toRoom(find.get({ userId, roomId })),
    async list({ userId, limit, after, search }) {
      const from = after ?? { activeAt: Number.MAX_SAFE_INTEGER, id: '' }
      const until =
        search === undefined
          ? null
          : lastCompared.get(userId, from.activeAt, from.id, COMPARED_ROOMS - 1)
      const walk = list.each({
        ...from,
        userId,
        limit: limit + 1,
        search: fold(search ?? ''),
        untilActiveAt: until?.activeAt ?? Number.MIN_SAFE_INTEGER,
        untilId: until?.id ?? '',
      })
      // The instruction to the model may be long; all else is short.
      const { rows, hasMore } = takeRows(walk, limit, ({ systemPrompt }) => [systemPrompt])
      return {
        rows: rows.map((row) => ({ ...toPresentRoom(row), activeAt: row.activeAt })),
        hasMore,
        ...(until && { until }),
      }
    },
  }
}

/** What the room itself adds to the stored text of its owner, beside its messages. */
function bytesOf({ title, systemPrompt }: { title: string; systemPrompt: string | null }): number {
  return Buffer.byteLength(title) + Buffer.byteLength(systemPrompt ?? '')
}

function toRoom(row: Row | undefined): Room | undefined {
  return row && toPresentRoom(row)
}

function toPresentRoom(row: Row): Room {
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
