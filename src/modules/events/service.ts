import type { Database } from '#src/database/sqlite/open.ts'
import { notFound } from '#src/lib/problem.ts'
import type { Principal } from '#src/plugins/auth.ts'
import type { LiveReplies, LiveReply } from '../messages/live.ts'
import type { getChanges, getPendingReply } from '../messages/queries.ts'
import type { Quota } from '../quota/model.ts'
import { decodeCursor, type ReaderCursor } from './cursor.ts'
import { storedText } from './frames.ts'
import type { EventHub } from './hub.ts'
import { createReader, type ReaderSource } from './reader.ts'

export interface EventDeps {
  hub: EventHub
  database: Database
  messages: { changes: typeof getChanges; pendingReply: typeof getPendingReply }
  live: LiveReplies
  quota: (principal: Principal) => Promise<Quota>
  isSessionAlive: (principal: Principal) => Promise<boolean>
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
  ): Promise<ReadableStream<Uint8Array>>
}

export function createEvents(deps: EventDeps): Events {
  const { hub, database, messages, live, quota, isSessionAlive } = deps

  return {
    async subscribe(principal, roomId, lastEventId) {
      const { userId } = principal
      const nothing = { userId, roomId, since: Number.MAX_SAFE_INTEGER, limit: 1 }
      const present = await database.read(messages.changes, nothing)
      if (!present) throw notFound()
      const start = startOf(decodeCursor(roomId, lastEventId), present.revision)
      const source: ReaderSource = {
        roomId,
        changes: (since, limit) =>
          database.read(messages.changes, { userId, roomId, since, limit }),
        live: () => live.get(roomId) ?? storedPart(roomId),
        ended: live.drop,
        quota: () => quota(principal),
      }
      const isAllowed = () => isSessionAlive(principal)
      return hub.open({ roomId, userId, reader: createReader(source, start), isAllowed })
    },
  }

  /** After a restart, until the next attempt begins, the text lives only in the row. */
  async function storedPart(roomId: string): Promise<LiveReply | undefined> {
    const pending = await database.read(messages.pendingReply, { roomId })
    if (!pending || pending.attempt === 0) return undefined
    const { position, attempt, message } = pending
    return { replyId: message.id, position, attempt, ...storedText(message.content) }
  }
}

function startOf(cursor: ReaderCursor | undefined, revision: number): ReaderCursor {
  // A revision above the present one was never issued, or its commit was lost with the disk.
  if (cursor && cursor.revision <= revision) return cursor
  return { revision, position: 0, attempt: 0, offset: 0, quota: '' }
}
