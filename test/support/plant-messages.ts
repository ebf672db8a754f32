import type { Database as Sqlite } from 'bun:sqlite'

/**
 * Writes a room with a prompt of each text, as many as there are, without asking anything of the program: for tests of
 * what a long history costs. Gives the room's id.
 */
export function plantMessages(
  sqlite: Sqlite,
  { userId, texts, title = 'Planted', now }: PlantedRoom,
): string {
  const roomId = Bun.randomUUIDv7()
  sqlite.run(
    `INSERT INTO chatrooms (id, user_id, title, title_folded, title_by, revision, user_messages, active_at, created_at, updated_at)
     VALUES (?1, ?2, ?3, lower(?3), 'person', ?4, ?4, ?5, ?5, ?5)`,
    [roomId, userId, title, texts.length, now],
  )
  const insert = sqlite.prepare(`
    INSERT INTO messages (id, chatroom_id, position, final_revision, owner, role, content, status, created_at, completed_at)
    VALUES (?1, ?2, ?3, ?3, ?4, 'user', ?5, 'complete', ?6, ?6)`)
  const wait = sqlite.prepare('INSERT INTO search_pending (key) VALUES (last_insert_rowid())')
  sqlite.transaction(() => {
    for (const [at, text] of texts.entries()) {
      insert.run(Bun.randomUUIDv7(), roomId, at + 1, userId.replaceAll('-', ''), text, now)
      wait.run()
    }
  })()
  return roomId
}

interface PlantedRoom {
  userId: string
  texts: readonly string[]
  title?: string
  now: number
}
