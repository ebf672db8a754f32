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
  /** The reply that this process makes, or what is stored of it where another made it. */
  live(): LiveReply | undefined | Promise<LiveReply | undefined>
  /** Told with each stored end: nothing of that reply may be told as live any more. */
  ended(replyId: string): void
  quota(): Quota | Promise<Quota>
}

export interface Reader {
  /**
   * What this reader has not been told yet, as frames; empty when it knows all; undefined when the room is gone. Called
   * again only when the promise has resolved.
   */
  next(): Promise<string | undefined>
  /** The database has news. */
  markStored(): void
  markQuota(): void
}

/** Turns what a room is now into the events one reader still lacks. Holds no events: only what was told. */
export function createReader(source: ReaderSource, start: ReaderCursor): Reader {
  let told = start
  let stored = true
  let quota = true

  function emit(event: string, data: unknown, then: Partial<ReaderCursor>): string {
    told = { ...told, ...then }
    return frame(encodeCursor(source.roomId, told), event, data)
  }

  /** Added and finished messages in the order in which they happened. */
  async function tellStored(): Promise<string | undefined> {
    // Before the read, during which more may be stored.
    stored = false
    const changes = await source.changes(told.revision, CHANGES_AT_ONCE)
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
          : tellDone(placed, at)
    }
    if (until < changes.revision) stored = true
    return frames
  }

  /** The rest of the text, so that the deltas alone make up the whole, and then the reply as it now stands. */
  function tellDone({ message, position, attempt }: PlacedMessage, at: number): string {
    source.ended(message.id)
    // A reply that ended without ever having text must not make us forget the one being streamed.
    const hasText = message.content !== '' || told.position === position
    const text = hasText
      ? tellText({ replyId: message.id, position, attempt, ...storedText(message.content) })
      : ''
    // A process that has lost this reply, and does not know it yet, still makes an earlier attempt.
    const over = { position, attempt: attempt + 1, offset: 0 }
    return text + emit('done', message, { revision: at, ...(hasText ? over : {}) })
  }

  function tellText(reply: LiveReply): string {
    const { replyId, position, attempt } = reply
    let frames = ''
    if (told.position !== position) told = { ...told, position, attempt, offset: 0 }
    const isOther = told.attempt !== attempt || told.offset > reply.length
    if (isOther && told.offset > 0) {
      frames += emit('reset', { messageId: replyId, attempt }, { attempt, offset: 0 })
    } else if (isOther) {
      told = { ...told, attempt }
    }
    const { offset } = told
    const rest = reply.textFrom(offset)
    const text = rest.slice(0, safeEnd(rest))
    if (text !== '') {
      const delta = { messageId: replyId, attempt, offset, text }
      frames += emit('delta', delta, { offset: offset + text.length })
    }
    return frames
  }

  function tellLive(live: LiveReply | undefined): string {
    // A reply that is not announced yet comes with the stored changes; an earlier one than the one told is over, and so
    // is an earlier attempt.
    if (!live || live.position > told.revision || live.position < told.position) return ''
    if (live.position === told.position && live.attempt < told.attempt) return ''
    const isBehind = live.position === told.position && live.attempt === told.attempt
    // After a crash the stored text may be shorter than what was told of it; the next attempt resets.
    if (isBehind && live.length < told.offset) return ''
    return tellText(live)
  }

  /**
   * Another reply is being made than the one whose text was told last, so that all before it have ended, whether or
   * not their ends were heard of: another process may have written them. They are told first, or their text would come
   * in between and the text of this one be told twice.
   */
  function isAnother(live: LiveReply | undefined): boolean {
    return live !== undefined && live.position !== told.position
  }

  async function tellQuota(): Promise<string> {
    quota = false
    const now = await source.quota()
    const tag = quotaTag(now)
    return tag === told.quota ? '' : emit('quota', now, { quota: tag })
  }

  return {
    async next() {
      // Read before what is stored: where it ends in between, its end is found there and told first.
      const live = await source.live()
      if (stored || isAnother(live)) {
        const frames = await tellStored()
        if (frames !== '') return frames
      }
      const frames = tellLive(live)
      return quota ? frames + (await tellQuota()) : frames
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
