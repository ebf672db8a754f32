import type { LiveReply } from '../messages/live.ts'
import type { Changes, PlacedMessage } from '../messages/queries.ts'
import type { Quota } from '../quota/model.ts'
import { encodeCursor, type ReaderCursor } from './cursor.ts'
import { asAdded, frame, safeEnd, storedText } from './frames.ts'

/** Stored changes read at a time. */
const CHANGES_AT_ONCE = 50

export interface ReaderSource {
  roomId: string
  /** Undefined once the room is gone. */
  changes(since: number, limit: number): Promise<Changes | undefined>
  /** The reply that this process is generating, or the stored part of it where another process was. */
  live(): LiveReply | undefined | Promise<LiveReply | undefined>
  /** Called with the id of each reply whose end is sent: its live text must not be used any more. */
  ended(replyId: string): void
  quota(): Promise<Quota>
}

export interface Reader {
  /**
   * The frames that this reader lacks; empty when it lacks none; undefined when the room is gone. Do not call it again
   * before the promise has resolved.
   */
  next(): Promise<string | undefined>
  /** Something in the room was stored since the last read. */
  markStored(): void
  markQuota(): void
}

/** Derives the events that one reader lacks from the present state of a room. It keeps a cursor, and no events. */
export function createReader(source: ReaderSource, start: ReaderCursor): Reader {
  let sent = start
  let stored = true
  let quota = true

  function emit(event: string, data: unknown, then: Partial<ReaderCursor>): string {
    sent = { ...sent, ...then }
    return frame(encodeCursor(source.roomId, sent), event, data)
  }

  /** Added and finished messages in the order in which they happened. */
  async function framesOfStored(): Promise<string | undefined> {
    // Reset before the read, as more may be stored while it is awaited.
    stored = false
    const changes = await source.changes(sent.revision, CHANGES_AT_ONCE)
    if (!changes) return undefined
    const happened = [
      ...changes.added.map((placed) => ({
        at: placed.position,
        placed,
        event: 'message' as const,
      })),
      ...changes.finished.map((placed) => ({
        at: placed.finalRevision ?? 0,
        placed,
        event: 'done' as const,
      })),
    ].sort((a, b) => a.at - b.at)
    const { until } = changes
    let frames = ''
    for (const { at, placed, event } of happened) {
      if (at > until) break
      frames +=
        event === 'message'
          ? emit('message', asAdded(placed), { revision: at })
          : framesOfEnd(placed, at)
    }
    if (until < changes.revision) stored = true
    return frames
  }

  /** The rest of the text, so that the deltas alone make up the whole text, and then the final reply. */
  function framesOfEnd({ message, position, attempt }: PlacedMessage, at: number): string {
    source.ended(message.id)
    // A reply that ended without any text leaves the cursor of the text that is being streamed.
    const hasText = message.content !== '' || sent.position === position
    const text = hasText
      ? framesOfText({ replyId: message.id, position, attempt, ...storedText(message.content) })
      : ''
    // A process that lost this reply and does not know it yet may still stream an earlier attempt.
    const over = { position, attempt: attempt + 1, offset: 0 }
    return text + emit('done', message, { revision: at, ...(hasText ? over : {}) })
  }

  function framesOfText(reply: LiveReply): string {
    const { replyId, position, attempt } = reply
    let frames = ''
    if (sent.position !== position) sent = { ...sent, position, attempt, offset: 0 }
    const isOther = sent.attempt !== attempt || sent.offset > reply.length
    if (isOther && sent.offset > 0) {
      frames += emit('reset', { messageId: replyId, attempt }, { attempt, offset: 0 })
    } else if (isOther) {
      sent = { ...sent, attempt }
    }
    const { offset } = sent
    const rest = reply.textFrom(offset)
    const text = rest.slice(0, safeEnd(rest))
    if (text !== '') {
      const delta = { messageId: replyId, attempt, offset, text }
      frames += emit('delta', delta, { offset: offset + text.length })
    }
    return frames
  }

  function framesOfLive(live: LiveReply | undefined): string {
    // A reply that is not announced yet comes with the stored changes. A reply before the one that was sent last has
    // ended, and so has an earlier attempt.
    if (!live || live.position > sent.revision || live.position < sent.position) return ''
    if (live.position === sent.position && live.attempt < sent.attempt) return ''
    const isBehind = live.position === sent.position && live.attempt === sent.attempt
    // After a crash the stored text may be shorter than what was sent of it; the next attempt resets.
    if (isBehind && live.length < sent.offset) return ''
    return framesOfText(live)
  }

  /**
   * True when another reply is being generated than the one whose text was sent last. All replies before it have ended,
   * perhaps in another process, which does not notify this one. Their ends must be sent first: otherwise their text
   * would come in between, and the text of this reply would be sent twice.
   */
  function isAnother(live: LiveReply | undefined): boolean {
    return live !== undefined && live.position !== sent.position
  }

  async function frameOfQuota(): Promise<string> {
    quota = false
    const now = await source.quota()
    const tag = quotaTag(now)
    return tag === sent.quota ? '' : emit('quota', now, { quota: tag })
  }

  return {
    async next() {
      // Read before the stored changes: if the reply ends in between, the changes hold its end, which is sent first.
      const live = await source.live()
      if (stored || isAnother(live)) {
        const frames = await framesOfStored()
        if (frames !== '') return frames
      }
      const frames = framesOfLive(live)
      return quota ? frames + (await frameOfQuota()) : frames
    },
    markStored() {
      stored = true
    },
    markQuota() {
      quota = true
    },
  }
}

function quotaTag({ limit, used, resetsAt }: Quota): string {
  return limit === null ? 'pro' : `${limit}-${used ?? 0}-${resetsAt?.slice(0, 10) ?? ''}`
}
