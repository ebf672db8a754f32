import type { Notifications } from '#src/database/notifications.ts'
import { REPLY_ENDED, roomTopic } from '#src/plugins/topics.ts'

/** A reply that is being generated, with its text so far. */
export interface LiveReply {
  replyId: string
  /** Its position in the room. */
  position: number
  /** The attempt that writes it; a later attempt starts the text again. */
  attempt: number
  /** Length of its text in UTF-16 code units. */
  readonly length: number
  /** The text from an offset on. Joins only the pieces that are asked for, as readers follow piece by piece. */
  textFrom(offset: number): string
}

export interface LiveWriter {
  append(piece: string): void
}

/**
 * The replies that this process is generating, at most one per room. A cache: the rows hold the same text, a quarter of
 * a second or a fifth of the text behind, for readers that come after a crash.
 */
export interface LiveReplies {
  /** Begins a new attempt at the room's reply; the writer of an earlier attempt has no effect any more. */
  start(roomId: string, reply: Pick<LiveReply, 'replyId' | 'position' | 'attempt'>): LiveWriter
  get(roomId: string): LiveReply | undefined
  /** Forgets a reply whose end is stored; a writer that still has it has lost it to another process. */
  drop(replyId: string): void
}

export function createLiveReplies(notifications: Notifications): LiveReplies {
  const rooms = new Map<string, LiveReply>()
  const roomOf = new Map<string, string>()
  // Dropped only after the commit that made it final, so that a reader always finds either the live or the final text.
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
 * A text kept as its pieces. A growing string would be copied whole at each read: megabytes a second for a long reply.
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
