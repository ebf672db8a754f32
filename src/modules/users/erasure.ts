import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { enqueue } from '#src/queue/enqueue.ts'
import {
  disownRoom,
  endSessionsForGood,
  eraseIdentity,
  findAnyRoom,
  findErasures,
  findLastMessages,
  insertErasure,
  removeCodes,
  removeErasure,
  removeMessage,
  removeRoom,
  removeTokens,
  removeUser,
} from './statements.ts'

export const ERASE_KIND = 'users.erase'

/** What one commit erases at most. Fifty messages take the writer a few milliseconds, most of it for the search index. */
export const ROWS_AT_ONCE = 50

/** What is erased: a user with all they have, or a room. */
export interface Erasure {
  id: string
  kind: 'user' | 'room'
}

/**
 * Erases a part, the row of the user or the room last; gives whether all of it is gone. A cascade would do it in one
 * statement, and hold up every other write for minutes where there are a hundred thousand messages.
 */
export const eraseSome = command('users.erase-some', function* (tx, { id, kind }: Erasure) {
  const left = yield* kind === 'user' ? eraseOfUser(tx, id) : eraseOfRoom(tx, id, ROWS_AT_ONCE)
  if (left <= 0) return false
  if (kind === 'user') yield* tx.run(removeUser, { userId: id })
  yield* tx.run(removeErasure, { id })
  return true
})

/** Gives how many more rows the commit may erase; none where something is left. */
function* eraseOfUser(tx: Tx, userId: string): Steps<number> {
  let left = ROWS_AT_ONCE
  for (;;) {
    const room = yield* tx.first(findAnyRoom, { userId })
    if (!room) break
    left = yield* eraseOfRoom(tx, room.id, left)
    if (left <= 0) return left
  }
  return left - (yield* tx.run(removeTokens, { userId, limit: left }))
}

/** The same for a room. */
function* eraseOfRoom(tx: Tx, roomId: string, most: number): Steps<number> {
  const messages = yield* tx.all(findLastMessages, { roomId, limit: most })
  for (const { key } of messages) yield* tx.run(removeMessage, { key })
  const left = most - messages.length
  if (left <= 0) return left
  yield* tx.run(removeRoom, { roomId })
  return left - 1
}

/**
 * Begins the erasure of a user whose data is too large for one commit: erases at once what tells who they are, so that
 * nobody can log in and the number is free again, and enqueues a job for the rest.
 */
export function* eraseLater(tx: Tx, { userId, now }: { userId: string; now: number }): Steps<void> {
  yield* tx.run(endSessionsForGood, { userId, now })
  yield* tx.run(removeCodes, { userId })
  yield* tx.run(eraseIdentity, { userId, now })
  yield* begin(tx, { id: userId, kind: 'user' }, now)
}

/** Takes a room from its owner, to be erased by a job: for a room that is too large for one commit. */
export const eraseRoomLater = command(
  'users.erase-room-later',
  function* (tx, { roomId, now }: { roomId: string; now: number }) {
    yield* tx.run(disownRoom, { roomId })
    yield* begin(tx, { id: roomId, kind: 'room' }, now)
  },
)

function* begin(tx: Tx, erasure: Erasure, now: number): Steps<void> {
  yield* tx.run(insertErasure, { ...erasure, now })
  yield* enqueueErasure(tx, erasure, now)
}

/** One job an erasure: while it has not ended, no second is added. */
function* enqueueErasure(tx: Tx, { id, kind }: Erasure, now: number): Steps<void> {
  const job = { kind: ERASE_KIND, body: { id, kind }, dedupeKey: `${ERASE_KIND}:${id}` }
  yield* enqueue.steps(tx, { job, now })
}

/**
 * Enqueues a job for every erasure that is not complete: a job ends for good after a few crashes or faults, and what it
 * was to erase must not stay. Gives how many erasures there are.
 */
export const resumeErasures = command(
  'users.resume-erasures',
  function* (tx, { now }: { now: number }) {
    const erasures = yield* tx.all(findErasures, {})
    for (const erasure of erasures) yield* enqueueErasure(tx, erasure, now)
    return erasures.length
  },
)
