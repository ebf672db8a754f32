import type { Notifications } from '#src/database/notifications.ts'
import { REPLY_ENDED, roomTopic } from '#src/plugins/topics.ts'

/** A reply in the making, as far as it has come. */
export interface LiveReply {
  replyId: string
  /** Its place in the room. */
  position: number
  /** The claim that writes it; a later one starts the text again. */
  attempt: number
  text: string
}

export interface LiveWriter {
  append(piece: string): void
}

/**
 * The replies in the making of this process, one a room at most. A cache: the rows hold the same text,
 * up to a quarter of a second older, for whoever comes after a crash.
 */
export interface LiveReplies {
  /** A new attempt at the room's reply; an earlier attempt's writer falls silent. */
  start(roomId: string, reply: Pick<LiveReply, 'replyId' | 'position' | 'attempt'>): LiveWriter
  get(roomId: string): LiveReply | undefined
  /** Its end is stored; whoever still writes it here has lost it to another process. */
  drop(replyId: string): void
}

export function createLiveReplies(notifications: Notifications): LiveReplies {
  const rooms = new Map<string, LiveReply>()
  const roomOf = new Map<string, string>()
  // Dropped only after the commit that made it final, so a reader always finds the one or the other.
  notifications.subscribe(REPLY_ENDED, (id) => drop(String(id)))

  function drop(replyId: string) {
    const roomId = roomOf.get(replyId)
    if (roomId === undefined) return
    roomOf.delete(replyId)
    if (rooms.get(roomId)?.replyId === replyId) rooms.delete(roomId)
  }

  return {
    drop,
    start(roomId, { replyId, position, attempt }) {
      const reply: LiveReply = { replyId, position, attempt, text: '' }
      rooms.set(roomId, reply)
      roomOf.set(replyId, roomId)
      return {
        append(piece) {
          if (rooms.get(roomId) !== reply) return
          reply.text += piece
          notifications.publish(roomTopic(roomId), 'live')
        },
      }
    },
    get: (roomId) => rooms.get(roomId),
  }
}
