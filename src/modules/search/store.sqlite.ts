import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { toInstant } from '#src/lib/time.ts'
import { spend } from '#src/modules/limits/commands.ts'
import { indexSome } from './index-messages.sqlite.ts'
import { toMatch } from './match.ts'
import type { SearchHit } from './model.ts'
import type { Phrase } from './query.ts'
import { refoldSome } from './refold.sqlite.ts'
import { makeSnippet } from './snippet.ts'
import type { Place, SearchStore } from './store.ts'
import { SEARCHED_LENGTH } from './words.ts'

/** Nothing else runs meanwhile, so a search that takes longer ends its page early. */
const TIME_OF_PAGE_MS = 5

interface Row {
  key: number
  messageId: string
  /** Null for a message that is not the user's: the marks of two users may be the same, and rooms are set aside. */
  chatroomId: string | null
  chatroomTitle: string
  role: 'user' | 'assistant'
  content: string
  createdAt: number
}

/**
 * Of one partition, the newest first. The owner is joined, not asked for: a row that is not theirs costs time too, which has
 * to be seen.
 */
export const HITS = `
  SELECT m.key, m.id AS messageId, c.id AS chatroomId, c.title AS chatroomTitle, m.role,
    substr(m.content, 1, ${SEARCHED_LENGTH + 1}) AS content, m.created_at AS createdAt
  FROM messages_fts f
  JOIN messages m ON m.key = f.rowid
  LEFT JOIN chatrooms c ON c.id = m.chatroom_id AND c.user_id = $userId
  WHERE messages_fts MATCH $match AND f.rowid < $before
  ORDER BY f.rowid DESC`

interface Partition {
  number: number
  firstKey: number
}

/** FTS5 has no place in Drizzle's queries, so these are written out. */
export function createSearchStore(database: Database, clock: Clock): SearchStore {
  const { sqlite } = database
  const waiting = sqlite.query<unknown, []>('SELECT 1 FROM search_pending WHERE key > 0 LIMIT 1')
  const hits = sqlite.query<Row, [Record<string, string | number>]>(HITS)
  // Both use the primary key.
  const below = sqlite.query<Partition, [string, number]>(`
    SELECT number, first_key AS firstKey FROM search_partitions WHERE owner = ?1 AND first_key < ?2
    ORDER BY first_key DESC LIMIT 1`)
  const numbered = sqlite.query<Partition, [string, number]>(
    'SELECT number, first_key AS firstKey FROM search_partitions WHERE owner = ?1 AND number = ?2',
  )
  return {
    admit: (limit) => database.execute(spend, { limits: [limit], now: clock.now() }),
    async index() {
      if (!waiting.get()) return false
      await database.execute(indexSome, undefined)
      return true
    },
    refold: () => database.execute(refoldSome, undefined),
    find({ userId, phrases, limit, after }) {
      const startedAt = clock.now()
      const owner = userId.replaceAll('-', '')
      const found: SearchHit[] = []
      let partition = after
        ? (numbered.get(owner, after.partition) ?? below.get(owner, after.before))
        : below.get(owner, Number.MAX_SAFE_INTEGER)
      // Where the first tick after an upgrade dropped the cursor's partition, the key alone says where to go on.
      let place: Place | undefined
      if (after && partition) place = { partition: partition.number, before: after.before }
      while (partition) {
        const { number, firstKey } = partition
        const match = toMatch(owner, number, phrases)
        const before = place?.partition === number ? place.before : Number.MAX_SAFE_INTEGER
        for (const row of hits.iterate({ userId, match, before })) {
          const hit = toHit(row, phrases)
          if (hit && found.length === limit) return { found, next: place }
          if (hit) found.push(hit)
          place = { partition: number, before: row.key }
          if (clock.now() - startedAt >= TIME_OF_PAGE_MS) return { found, next: place }
        }
        partition = below.get(owner, firstKey)
        if (!partition) break
        place = { partition: partition.number, before: Number.MAX_SAFE_INTEGER }
        if (clock.now() - startedAt >= TIME_OF_PAGE_MS) return { found, next: place }
      }
      return { found, next: undefined }
    },
  }
}

function toHit(row: Row, phrases: readonly Phrase[]): SearchHit | undefined {
  const { chatroomId, content, createdAt, messageId, chatroomTitle, role } = row
  if (chatroomId === null) return undefined
  const snippet = makeSnippet(content, phrases)
  if (!snippet) return undefined
  return { messageId, chatroomId, chatroomTitle, role, ...snippet, createdAt: toInstant(createdAt) }
}
