import { type Command, command } from '#src/database/steps.ts'
import { fold } from '#src/lib/fold.ts'
import { once } from '#src/modules/idempotency/commands.ts'
import type { IdempotencyKey } from '#src/modules/idempotency/key.ts'
import { spend } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import { roomTopic } from '#src/plugins/topics.ts'
import type { Quotas } from '../quota/service.ts'
import type { RoomChange } from './model.ts'
import { toRoom } from './queries.ts'
import {
  findRoom,
  findStoredBytes,
  insertRoom,
  type RoomRow,
  removeRoom,
  updateRoom,
} from './statements.ts'

/** Messages that one commit erases; a larger room would hold up every other write. */
const ERASED_AT_ONCE = 50

export interface RoomToCreate {
  userId: string
  claim: IdempotencyKey | undefined
  limit: Limit
  now: number
  room: Pick<RoomRow, 'id' | 'title' | 'titleBy' | 'systemPrompt' | 'model'>
}

export interface RoomToChange {
  userId: string
  roomId: string
  change: RoomChange
  now: number
}

export interface RoomToRemove {
  userId: string
  roomId: string
  now: number
}

export interface RoomCommandDeps {
  /** Ends what the room still waits for, or a part of it, and gives whether that was all. */
  cancelPending: Command<Omit<RoomToRemove, 'userId'>, boolean>
  /** Takes the room from its owner, to be erased later. */
  setAside: Command<{ roomId: string; now: number }, void>
  quotas: Pick<Quotas, 'countText'>
}

export function createRoomCommands({ cancelPending, setAside, quotas }: RoomCommandDeps) {
  /** @throws Problem 409 `storage-full`, 429, though not where it is a repetition */
  const create = command(
    'rooms.create',
    function* (tx, { userId, claim, limit, now, room }: RoomToCreate) {
      const { value, replayed } = yield* once(tx, { userId, claim, now }, function* () {
        yield* spend.steps(tx, { limits: [limit], now })
        const storedBytes = bytesOf(room)
        yield* quotas.countText(tx, userId, storedBytes)
        const titleFolded = fold(room.title)
        yield* tx.run(insertRoom, { ...room, userId, titleFolded, storedBytes, now })
        const body = toRoom({
          ...room,
          userMessages: 0,
          assistantMessages: 0,
          lastMessageAt: null,
          activeAt: now,
          pendingReply: null,
          createdAt: now,
          updatedAt: now,
        })
        return { status: 201, body, location: `/v1/chatroom/${room.id}` }
      })
      return { ...value, replayed }
    },
  )

  /** Undefined where there is no such room of this user. @throws Problem 409 `storage-full` */
  const change = command('rooms.change', function* (tx, input: RoomToChange) {
    const { userId, roomId, now } = input
    const old = yield* tx.first(findRoom, { roomId, userId })
    if (!old) return undefined
    const room: RoomRow = { ...old, ...input.change, updatedAt: now }
    if (input.change.title !== undefined) room.titleBy = 'person'
    const grownBytes = bytesOf(room) - bytesOf(old)
    yield* quotas.countText(tx, userId, grownBytes)
    const { title, titleBy, systemPrompt, model } = room
    const titleFolded = fold(title)
    const values = { title, titleFolded, titleBy, systemPrompt, model }
    yield* tx.run(updateRoom, { ...values, roomId, grownBytes, now })
    return toRoom(room)
  })

  /**
   * Removes the room, its messages and its jobs; false where there is none of this user. Undefined where it has to be
   * run again, as too many replies were pending for one commit.
   */
  const remove = command('rooms.remove', function* (tx, { userId, roomId, now }: RoomToRemove) {
    const room = yield* tx.first(findRoom, { roomId, userId })
    if (!room) return false
    if (!(yield* cancelPending.steps(tx, { roomId, now }))) return undefined
    // Read only now, as a reply that is cancelled keeps its text so far.
    const stored = yield* tx.first(findStoredBytes, { roomId })
    yield* quotas.countText(tx, userId, -(stored?.storedBytes ?? 0))
    tx.notify(roomTopic(roomId), 'stored')
    if (room.userMessages + room.assistantMessages > ERASED_AT_ONCE) {
      yield* setAside.steps(tx, { roomId, now })
    } else {
      yield* tx.run(removeRoom, { roomId })
    }
    return true
  })

  return { create, change, remove }
}

/** What the room itself adds to the stored text of its owner, beside its messages. */
function bytesOf({ title, systemPrompt }: Pick<RoomRow, 'title' | 'systemPrompt'>): number {
  return Buffer.byteLength(title) + Buffer.byteLength(systemPrompt ?? '')
}
