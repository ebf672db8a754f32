import { type Command, type SyncTx, syncCommand } from '#src/database/command.ts'
import { IS_NOBODY, NOBODY } from '#src/plugins/somebody.ts'
import type { Queue } from '#src/queue/queue.ts'

export const ERASE_KIND = 'users.erase'

/** What one commit erases at most. Fifty messages take the writer a few milliseconds, most of it for the search index. */
export const ROWS_AT_ONCE = 50

/**
 * Erases a part of what a user has, the row of the user last; gives whether all of it is gone. A cascade would do it
 * in one statement, and hold up every other write for minutes where there are a hundred thousand messages.
 */
export const eraseSome: Command<{ userId: string }, boolean> = syncCommand(
  'users.erase-some',
  ({ sqlite }) => {
    // Uses chatrooms_of_user.
    const anyRoom = sqlite.query<{ id: string }, [string]>(
      'SELECT id FROM chatrooms WHERE user_id = ?1 LIMIT 1',
    )
    // Uses messages_in_order. From the end: no prompt goes without the replies that a cascade would take along.
    const lastMessages = sqlite.query<{ key: number }, [string, number]>(
      'SELECT key FROM messages WHERE chatroom_id = ?1 ORDER BY position DESC LIMIT ?2',
    )
    const dropMessage = sqlite.query<unknown, [number]>('DELETE FROM messages WHERE key = ?1')
    const dropRoom = sqlite.query<unknown, [string]>('DELETE FROM chatrooms WHERE id = ?1')
    // Uses sessions_of_user and refresh_tokens_of_session.
    const dropTokens = sqlite.query<unknown, [string, number]>(`
      DELETE FROM refresh_tokens WHERE rowid IN
        (SELECT t.rowid FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id WHERE s.user_id = ?1 LIMIT ?2)`)
    const dropUser = sqlite.query<unknown, [string]>('DELETE FROM users WHERE id = ?1')
    return (_tx, { userId }) => {
      let left = ROWS_AT_ONCE
      for (let room = anyRoom.get(userId); room; room = anyRoom.get(userId)) {
        const messages = lastMessages.all(room.id, left)
        for (const { key } of messages) dropMessage.run(key)
        left -= messages.length
        if (left <= 0) return false
        dropRoom.run(room.id)
        left -= 1
      }
      left -= dropTokens.run(userId, left).changes
      if (left <= 0) return false
      dropUser.run(userId)
      return true
    }
  },
)

export interface Hiding {
  userId: string
  now: number
}

/** Leaves of a user only what their rooms hang on: nobody can log in to it, and the number is free again. */
export const hide: Command<Hiding, void> = syncCommand('users.hide', ({ sqlite }) => {
  // Not deleted here: a session can have used thousands of refresh tokens.
  const endSessions = sqlite.query<unknown, [string, number]>(
    'UPDATE sessions SET ended_at = ?2, ip = NULL, device = NULL WHERE user_id = ?1',
  )
  const dropCodes = sqlite.query<unknown, [string]>('DELETE FROM otp_challenges WHERE user_id = ?1')
  const forget = sqlite.query<unknown, [Record<string, string | number>]>(`
    UPDATE users SET phone = $phone, number_digest = NULL, name = NULL, password_hash = NULL, tier_override = NULL, updated_at = $now
    WHERE id = $userId`)
  return (_tx, { userId, now }) => {
    endSessions.run(userId, now)
    dropCodes.run(userId)
    forget.run({ userId, now, phone: NOBODY + userId })
  }
})

export function enqueueErase(queue: Queue, tx: SyncTx, userId: string): void {
  const dedupeKey = `${ERASE_KIND}:${userId}`
  queue.enqueue(tx, { kind: ERASE_KIND, body: { userId }, dedupeKey })
}

/**
 * Asks again for every erasure that is not through: a job ends for good after a few crashes or faults, and what it was
 * to erase must not stay. Gives how many there are; one whose job still waits gets no second.
 */
export function createResumeErasures(queue: Queue): Command<void, number> {
  return syncCommand('users.resume-erasures', ({ sqlite }) => {
    const hidden = sqlite.query<{ id: string }, []>(`SELECT id FROM users WHERE ${IS_NOBODY}`)
    return (tx) => {
      const left = hidden.all()
      for (const { id } of left) enqueueErase(queue, tx, id)
      return left.length
    }
  })
}

/** Takes a room from its owner at once, to be erased bit by bit: for one too large to go in a single commit. */
export function createSetRoomAside(queue: Queue): Command<{ roomId: string; now: number }, void> {
  return syncCommand('users.set-room-aside', ({ sqlite }) => {
    const makeNobody = sqlite.query<unknown, [Record<string, string | number>]>(`
      INSERT INTO users (id, phone, verified_at, created_at, updated_at) VALUES ($id, $phone, $now, $now, $now)`)
    const give = sqlite.query<unknown, [string]>('UPDATE chatrooms SET user_id = ?1 WHERE id = ?1')
    return (tx, { roomId, now }) => {
      makeNobody.run({ id: roomId, phone: NOBODY + roomId, now })
      give.run(roomId)
      enqueueErase(queue, tx, roomId)
    }
  })
}
