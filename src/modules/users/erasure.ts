import { ERASED_PREFIX } from '#src/database/active-user.ts'
import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { enqueue } from '#src/queue/enqueue.ts'
import {
  endSessionsForGood,
  eraseIdentity,
  findAnyRoom,
  findErased,
  findLastMessages,
  giveRoom,
  insertErased,
  removeCodes,
  removeMessage,
  removeRoom,
  removeTokens,
  removeUser,
} from './statements.ts'

export const ERASE_KIND = 'users.erase'

/** What one commit erases at most. Fifty messages take the writer a few milliseconds, most of it for the search index. */
export const ROWS_AT_ONCE = 50

/**
 * Erases a part of what a user has, the row of the user last; gives whether all of it is gone. A cascade would do it
 * in one statement, and hold up every other write for minutes where there are a hundred thousand messages.
 */
export const eraseSome = command(
  'users.erase-some',
  function* (tx, { userId }: { userId: string }) {
    let left = ROWS_AT_ONCE
    for (;;) {
      const room = yield* tx.first(findAnyRoom, { userId })
      if (!room) break
      const messages = yield* tx.all(findLastMessages, { roomId: room.id, limit: left })
      for (const { key } of messages) yield* tx.run(removeMessage, { key })
      left -= messages.length
      if (left <= 0) return false
      yield* tx.run(removeRoom, { roomId: room.id })
      left -= 1
    }
    left -= yield* tx.run(removeTokens, { userId, limit: left })
    if (left <= 0) return false
    yield* tx.run(removeUser, { userId })
    return true
  },
)

interface UserToErase {
  userId: string
  now: number
}

/**
 * Begins the erasure of a user whose data is too large for one commit: erases at once what tells who they are, so that
 * nobody can log in and the number is free again, and enqueues a job for the rest.
 */
export function* eraseLater(tx: Tx, { userId, now }: UserToErase): Steps<void> {
  yield* tx.run(endSessionsForGood, { userId, now })
  yield* tx.run(removeCodes, { userId })
  yield* tx.run(eraseIdentity, { userId, now, phone: ERASED_PREFIX + userId })
  yield* enqueueErasure(tx, { userId, now })
}

/** One job a user: while it has not ended, no second is added. */
function* enqueueErasure(tx: Tx, { userId, now }: UserToErase): Steps<void> {
  const dedupeKey = `${ERASE_KIND}:${userId}`
  yield* tx.call(enqueue, { job: { kind: ERASE_KIND, body: { userId }, dedupeKey }, now })
}

/**
 * Enqueues a job for every erasure that is not complete: a job ends for good after a few crashes or faults, and what it
 * was to erase must not stay. Gives how many erasures there are.
 */
export const resumeErasures = command(
  'users.resume-erasures',
  function* (tx, { now }: { now: number }) {
    const erased = yield* tx.all(findErased, {})
    for (const { id } of erased) yield* enqueueErasure(tx, { userId: id, now })
    return erased.length
  },
)

/** Takes a room from its owner, to be erased by a job: for a room that is too large for one commit. */
export const eraseRoomLater = command(
  'users.erase-room-later',
  function* (tx, { roomId, now }: { roomId: string; now: number }) {
    const userId = roomId
    yield* tx.run(insertErased, { id: userId, phone: ERASED_PREFIX + userId, now })
    yield* tx.run(giveRoom, { roomId, userId })
    yield* enqueueErasure(tx, { userId, now })
  },
)
