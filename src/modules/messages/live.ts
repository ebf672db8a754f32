import type { Notifications } from '#src/database/notifications.ts'
import { REPLY_ENDED, roomTopic } from '#src/plugins/topics.ts'

/** A reply in the making, as far as it has come. */
export interface LiveReply {
  replyId: string
  /** Its place in the room. */
  position: number
  /** The claim that writes it; a later one starts the text again. */
  attempt: number
  /** Of its text, in UTF-16 code units. */
  readonly length: number
  /** The text from there on. Only what is asked for is put together: a reader keeps up piece by piece. */
  textFrom(offset: number): string
}

export interface LiveWriter {
  append(piece: string): void
}

/**
 * The replies in the making of this process, one a room at most. A cache: the rows hold the same text, up to a
 * quarter of a second or a fifth of it behind, for whoever comes after a crash.
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
      const text = createGrowingText()
      const reply = Object.assign(text, { replyId, position, attempt })
      rooms.set(roomId, reply)
      roomOf.set(replyId, roomId)
      return {
        append(piece) {
          if (rooms.get(roomId) !== reply) return
          text.append(piece)
          notifications.publish(roomTopic(roomId), 'live')
        },
      }
    },
    get: (roomId) => rooms.get(roomId),
  }
}

/**
 * A text in its pieces. One string that grows is copied whole by whoever looks into it, at each piece: megabytes
 * a second for a long reply.
 */
function createGrowingText() {
  const pieces: { from: number; text: string }[] = []
  let length = 0
  return {
    get length() {
      return length
    },
    append(text: string): void {
      pieces.push({ from: length, text })
      length += text.length
    },
    textFrom(offset: number): string {
      let first = pieces.length
      while (
        first > 0 &&
        (pieces[first - 1]?.from ?? 0) + (pieces[first - 1]?.text.length ?? 0) > offset
      )
        first--
      return pieces
        .slice(first)
        .map(({ from, text }) => (from < offset ? text.slice(offset - from) : text))
        .join('')
    },
  }
}
