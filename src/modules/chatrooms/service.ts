import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type Cursors, type Page, pageOf } from '#src/lib/page.ts'
import { invalid, notFound } from '#src/lib/problem.ts'
import type { Random } from '#src/lib/random.ts'
import type { Answer, IdempotencyKey } from '#src/modules/idempotency/key.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { Principal } from '#src/plugins/auth.ts'
import { createRoomCommands, type RoomCommandDeps } from './commands.ts'
import type { NewRoom, Room, RoomChange } from './model.ts'
import { getRoom, getRooms, toRoom } from './queries.ts'
import type { RoomKey } from './statements.ts'

/** Until a person or the first exchange gives a better one. */
const UNTITLED = 'New chat'

export interface RoomDeps extends RoomCommandDeps {
  database: Database
  clock: Clock
  random: Random
  cursors: Cursors
  /** What a room may choose. */
  models: readonly string[]
  /** How many rooms of a user are new. */
  limitOf(principal: RoomOwner): Limit
}

type RoomOwner = Pick<Principal, 'userId' | 'numberDigest'>

export interface Rooms {
  create(owner: RoomOwner, room: NewRoom, claim?: IdempotencyKey): Promise<Answer<Room>>
  list(
    userId: string,
    query: { limit: number; cursor: string | undefined; search: string | undefined },
  ): Promise<Page<Room>>
  /** @throws Problem 404 */
  get(userId: string, roomId: string): Promise<Room>
  /** @throws Problem 404, 422 */
  change(userId: string, roomId: string, change: RoomChange): Promise<Room>
  /** @throws Problem 404 */
  remove(userId: string, roomId: string): Promise<void>
}

export function createRooms(deps: RoomDeps): Rooms {
  const { database, clock, random, cursors, models, limitOf } = deps
  const commands = createRoomCommands(deps)

  function checkModel(model: string | null | undefined) {
    if (typeof model === 'string' && !models.includes(model)) {
      throw invalid({ pointer: '/model', detail: `must be one of ${models.join(', ')}` })
    }
  }

  return {
    create(owner, room, claim) {
      checkModel(room.model)
      const now = clock.now()
      return database.run(commands.create, {
        userId: owner.userId,
        claim,
        limit: limitOf(owner),
        now,
        room: {
          id: random.id(now),
          title: room.title ?? UNTITLED,
          titleBy: room.title === undefined ? 'none' : 'person',
          systemPrompt: room.systemPrompt ?? null,
          model: room.model ?? null,
        },
      })
    },
    async list(userId, { limit, cursor, search }) {
      const list = ['rooms', userId, search ?? ''] as const
      const key =
        cursor === undefined ? undefined : cursors.decode(list, cursor, ['number', 'string'])
      const after = key && { activeAt: key[0], id: key[1] }
      const cursorOf = (room: RoomKey) => cursors.encode(list, [room.activeAt, room.id])
      const rows = await database.read(getRooms, { userId, limit, after, search })
      const page = pageOf(rows, toRoom, cursorOf)
      if (page.nextCursor === null && rows.until) page.nextCursor = cursorOf(rows.until)
      return page
    },
    async get(userId, roomId) {
      const room = await database.read(getRoom, { userId, roomId })
      if (!room) throw notFound()
      return room
    },
    async change(userId, roomId, change) {
      checkModel(change.model)
      const asked = { userId, roomId, change, now: clock.now() }
      const room = await database.run(commands.change, asked)
      if (!room) throw notFound()
      return room
    },
    async remove(userId, roomId) {
      for (;;) {
        const isRemoved = await database.run(commands.remove, { userId, roomId, now: clock.now() })
        if (isRemoved === false) throw notFound()
        if (isRemoved) return
      }
    },
  }
}
