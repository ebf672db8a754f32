import { type Command, type Connection, syncCommand } from '#src/database/command.ts'
import { toOwnTerm } from './match.ts'
import { SEARCHED_LENGTH, termsOf } from './words.ts'

/**
 * A commit takes in this much, and the message with which it passes one of the last two: a few milliseconds, so that
 * requests come in between. A message alone has at most 50 000 characters and 8 000 terms that count.
 */
const MESSAGES_AT_ONCE = 64
const CHARACTERS_AT_ONCE = 20_000
const TERMS_AT_ONCE = 4_000
/** FTS5's own merging comes in bursts of 30 ms and more, so it is off and each commit does a little. */
const MERGED_PAGES = 16
/**
 * A partition with so many terms takes no further message. Every step of a query reads at most one partition: merging
 * the lists of 30 000 different words that begin with the same letter takes 3 ms.
 */
export const TERMS_OF_PARTITION = 20_000

/**
 * The newest first: what was just said is searched for more often than what an upgrade indexes again. A CROSS JOIN keeps
 * SQLite from walking the messages, most of which do not wait, and asking of each whether it does.
 */
export const NEXT_PENDING = `
  SELECT m.key, m.owner, substr(m.content, 1, ${SEARCHED_LENGTH}) AS content
  FROM search_pending p CROSS JOIN messages m ON m.key = p.key
  WHERE p.key > 0 ORDER BY p.key DESC LIMIT ${MESSAGES_AT_ONCE}`

interface Waiting {
  key: number
  owner: string
  content: string
}

/** Takes a few of the messages that wait into the index. */
export const indexSome: Command<void, void> = syncCommand('search.index', (connection) => {
  const { sqlite } = connection
  const pending = sqlite.query<Waiting, []>(NEXT_PENDING)
  // REPLACE: where the fold has changed, the index may hold the message's old terms.
  const add = sqlite.query<unknown, [number, string]>(
    'INSERT OR REPLACE INTO messages_fts (rowid, words) VALUES (?1, ?2)',
  )
  const merge = sqlite.query<unknown, [number]>(
    "INSERT INTO messages_fts (messages_fts, rank) VALUES ('merge', ?1)",
  )
  const forget = sqlite.query<unknown, [number]>('DELETE FROM search_pending WHERE key >= ?1')
  const partitionFor = preparePartitions(connection)
  return (): void => {
    const batch: { key: number; owner: string; terms: Set<string> }[] = []
    let characters = 0
    let count = 0
    for (const { key, owner, content } of pending.iterate()) {
      const terms = termsOf(content)
      batch.push({ key, owner, terms })
      characters += content.length
      count += terms.size
      if (characters >= CHARACTERS_AT_ONCE || count >= TERMS_AT_ONCE) break
    }
    const lowest = batch.at(-1)?.key
    if (lowest === undefined) return
    // In the order of their keys, or FTS5 writes what it holds in memory at each step back.
    for (const { key, owner, terms } of batch.reverse()) {
      const partition = partitionFor(owner, key, terms.size)
      add.run(key, [...terms].map((term) => toOwnTerm(owner, partition, term)).join(' '))
    }
    merge.run(MERGED_PAGES)
    forget.run(lowest)
  }
})

interface Partition {
  number: number
  terms: number
}

/**
 * Gives the number of the partition that takes a message. Keys come in no order: a reply becomes final after later prompts,
 * and an upgrade indexes old messages last. So a message goes to the partition that covers its key; where that is full,
 * to the next one, which then begins with it; and where that is full too, to a new one.
 */
function preparePartitions({ sqlite }: Connection) {
  // Both use the primary key.
  const covering = sqlite.query<Partition, [string, number]>(`
    SELECT number, terms FROM search_partitions WHERE owner = ?1 AND first_key <= ?2
    ORDER BY first_key DESC LIMIT 1`)
  const next = sqlite.query<Partition, [string, number]>(`
    SELECT number, terms FROM search_partitions WHERE owner = ?1 AND first_key > ?2
    ORDER BY first_key LIMIT 1`)
  const grow = sqlite.query<unknown, [string, number, number, number]>(`
    UPDATE search_partitions SET first_key = min(first_key, ?3), terms = terms + ?4
    WHERE owner = ?1 AND number = ?2`)
  // Uses search_partitions_by_number.
  const begin = sqlite.query<{ number: number }, [string, number, number]>(`
    INSERT INTO search_partitions (owner, first_key, number, terms)
    SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3 FROM search_partitions WHERE owner = ?1
    RETURNING number`)
  return (owner: string, key: number, terms: number): number => {
    for (const candidates of [covering, next]) {
      const partition = candidates.get(owner, key)
      if (!partition || partition.terms >= TERMS_OF_PARTITION) continue
      grow.run(owner, partition.number, key, terms)
      return partition.number
    }
    const made = begin.get(owner, key, terms)
    if (!made) throw new Error('A new partition has no number')
    return made.number
  }
}
