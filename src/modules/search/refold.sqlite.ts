import { type Command, syncCommand } from '#src/database/command.ts'
import { FOLD_VERSION, fold } from '#src/lib/fold.ts'

/** What one commit hands to the index, and the titles that it folds again: about five milliseconds. */
const MESSAGES_AT_ONCE = 1_000
const ROOMS_AT_ONCE = 200

type What = 'messages' | 'titles'

/**
 * Takes a step in making again what an earlier fold made: the search index, from the newest message to the oldest, and the
 * titles of rooms. Gives whether there was a step to take. Meanwhile a search finds what is indexed already.
 */
export const refoldSome: Command<void, boolean> = syncCommand('search.refold', ({ sqlite }) => {
  const find = sqlite.query<{ version: number; place: string | null }, [What]>(
    'SELECT version, place FROM refolding WHERE what = ?1',
  )
  const keep = sqlite.query<unknown, [What, number, string | null]>(
    'INSERT OR REPLACE INTO refolding (what, version, place) VALUES (?1, ?2, ?3)',
  )
  // The index itself keeps the old terms until each message is replaced; nothing asks for them.
  const dropPartitions = sqlite.query<unknown, []>('DELETE FROM search_partitions')
  const highest = sqlite.query<{ key: number }, []>(
    'SELECT coalesce(max(key), 0) AS key FROM messages',
  )
  const backlog = sqlite.query<{ count: number }, [number]>(
    'SELECT count(*) AS count FROM (SELECT 1 FROM search_pending WHERE key > 0 LIMIT ?1)',
  )
  const lowest = sqlite.query<{ key: number | null }, [number, number]>(
    'SELECT min(key) AS key FROM (SELECT key FROM messages WHERE key < ?1 ORDER BY key DESC LIMIT ?2)',
  )
  // octet_length() does not read the text.
  const hand = sqlite.query<unknown, [number, number]>(`
    INSERT OR IGNORE INTO search_pending (key)
    SELECT key FROM messages
    WHERE key >= ?1 AND key < ?2 AND completed_at IS NOT NULL AND octet_length(content) > 0`)
  const rooms = sqlite.query<{ id: string; title: string }, [string, number]>(
    'SELECT id, title FROM chatrooms WHERE id > ?1 ORDER BY id LIMIT ?2',
  )
  const rename = sqlite.query<unknown, [string, string]>(
    'UPDATE chatrooms SET title_folded = ?2 WHERE id = ?1',
  )

  function beginMessages(): string {
    dropPartitions.run()
    return String((highest.get()?.key ?? 0) + 1)
  }

  function handMessages(place: string): string | null {
    const below = Number(place)
    if ((backlog.get(MESSAGES_AT_ONCE)?.count ?? 0) >= MESSAGES_AT_ONCE) return place
    const from = lowest.get(below, MESSAGES_AT_ONCE)?.key ?? null
    if (from === null) return null
    hand.run(from, below)
    return String(from)
  }

  function foldTitles(after: string): string | null {
    const some = rooms.all(after, ROOMS_AT_ONCE)
    for (const { id, title } of some) rename.run(id, fold(title))
    return some.at(-1)?.id ?? null
  }

  function step(what: What, begin: () => string, next: (place: string) => string | null): boolean {
    const progress = find.get(what)
    const place = progress?.version === FOLD_VERSION ? progress.place : begin()
    if (place === null) return false
    keep.run(what, FOLD_VERSION, next(place))
    return true
  }

  return () => {
    const hadMessages = step('messages', beginMessages, handMessages)
    const hadTitles = step('titles', () => '', foldTitles)
    return hadMessages || hadTitles
  }
})
