import { notFound } from '#src/lib/problem.ts'
import type { Principal } from '#src/plugins/auth.ts'
import type { LiveReplies, LiveReply } from '../messages/live.ts'
import type { MessageStore } from '../messages/store.ts'
import type { Quota } from '../quota/model.ts'
import { decodeCursor, type ReaderCursor } from './cursor.ts'
import { storedText } from './frames.ts'
import type { EventHub } from './hub.ts'
import { createReader, type ReaderSource } from './reader.ts'

export interface EventDeps {
  hub: EventHub
  store: Pick<MessageStore, 'changes' | 'waiting'>
  live: LiveReplies
  quota: (principal: Principal) => Quota
  isSessionAlive: (principal: Principal) => boolean
}

export interface Events {
  /**
   * A room's events from where `lastEventId` left off, or from the present state where it is missing,
   * malformed or another room's. @throws Problem 404, 429, 503
   */
  subscribe(
    principal: Principal,
    roomId: string,
    lastEventId: string | null,
  ): ReadableStream<Uint8Array>
}

export function createEvents({ hub, store, live, quota, isSessionAlive }: EventDeps): Events {
  return {
    subscribe(principal, roomId, lastEventId) {
      const { userId } = principal
      const present = store.changes({ userId, roomId, since: Number.MAX_SAFE_INTEGER, limit: 1 })
      if (!present) throw notFound()
      const start = startOf(decodeCursor(roomId, lastEventId), present.revision)
      const source: ReaderSource = {
        roomId,
        changes: (since, limit) => store.changes({ userId, roomId, since, limit }),
        live: () => live.get(roomId) ?? storedPart(roomId),
        ended: live.drop,
        quota: () => quota(principal),
      }
      const isAllowed = () => isSessionAlive(principal)
      return hub.open({ roomId, userId, reader: createReader(source, start), isAllowed })
    },
  }

  /** After a restart, until the next attempt begins, the text lives only in the row. */
  function storedPart(roomId: string): LiveReply | undefined {
    const waiting = store.waiting(roomId)
    if (!waiting || waiting.attempt === 0) return undefined
    const { position, attempt, message } = waiting
    return { replyId: message.id, position, attempt, ...storedText(message.content) }
  }
}

function startOf(cursor: ReaderCursor | undefined, revision: number): ReaderCursor {
  // A revision that has not been yet was never given out, or its commit was lost with the disk.
  if (cursor && cursor.revision <= revision) return cursor
  return { revision, position: 0, attempt: 0, offset: 0, quota: '' }
}
