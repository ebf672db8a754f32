import { query } from '#src/database/steps.ts'
import type { Clock } from '#src/lib/clock.ts'
import { toInstant } from '#src/lib/time.ts'
import { toMatch } from './match.ts'
import type { SearchHit } from './model.ts'
import type { Phrase } from './phrases.ts'
import { makeSnippet } from './snippet.ts'
import { findMatch, listMatches, type MatchRow } from './statements.sqlite.ts'
import { findPartition, findPartitionBelow } from './statements.ts'

/** On SQLite nothing else runs meanwhile, so a search that takes longer ends its page early. */
const TIME_OF_PAGE_MS = 5
/** Keys that the index is asked for at once. Texts are read one by one, until the page is full or its time is up. */
const MATCHES_AT_ONCE = 128
const FROM_THE_NEWEST = Number.MAX_SAFE_INTEGER

/** How far a search has come: all of the partition's messages from `before` on have been looked at. */
interface Place {
  partition: number
  before: number
}

interface Asked {
  userId: string
  phrases: readonly Phrase[]
  limit: number
  after: Place | undefined
}

/**
 * The user's own messages that hold every phrase, newest first, from behind `after`. `next` is undefined when there
 * are no more: a page whose time is up ends before it has `limit` of them.
 */
export function createFindMessages(clock: Clock) {
  return query('search.find', function* (tx, { userId, phrases, limit, after }: Asked) {
    const startedAt = clock.now()
    const isOver = () => clock.now() - startedAt >= TIME_OF_PAGE_MS
    const owner = userId.replaceAll('-', '')
    const found: SearchHit[] = []
    let partition = after && (yield* tx.first(findPartition, { owner, number: after.partition }))
    // Where the first run after an upgrade removed the cursor's partition, the key alone says where to go on.
    const before = after?.before ?? FROM_THE_NEWEST
    partition ??= yield* tx.first(findPartitionBelow, { owner, before })
    let place: Place | undefined = after && partition && { partition: partition.number, before }
    while (partition) {
      const { number, firstKey } = partition
      const match = toMatch(owner, number, phrases)
      for (let isRead = false; !isRead; ) {
        const from: number = place?.before ?? FROM_THE_NEWEST
        const keys = yield* tx.all(listMatches, { match, before: from, limit: MATCHES_AT_ONCE })
        for (const { key } of keys) {
          const row = yield* tx.first(findMatch, { key, userId })
          const hit = row && toHit(row, phrases)
          if (hit && found.length === limit) return { found, next: place }
          if (hit) found.push(hit)
          place = { partition: number, before: key }
          if (isOver()) return { found, next: place }
        }
        isRead = keys.length < MATCHES_AT_ONCE
      }
      partition = yield* tx.first(findPartitionBelow, { owner, before: firstKey })
      if (!partition) break
      place = { partition: partition.number, before: FROM_THE_NEWEST }
      if (isOver()) return { found, next: place }
    }
    return { found, next: undefined }
  })
}

function toHit(row: MatchRow, phrases: readonly Phrase[]): SearchHit | undefined {
  const { chatroomId, content, createdAt, messageId, chatroomTitle, role } = row
  if (chatroomId === null || chatroomTitle === null) return undefined
  const snippet = makeSnippet(content, phrases)
  if (!snippet) return undefined
  return { messageId, chatroomId, chatroomTitle, role, ...snippet, createdAt: toInstant(createdAt) }
}
