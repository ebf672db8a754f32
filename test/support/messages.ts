import type { Database } from 'bun:sqlite'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { createTestApp, json, type TestUser } from './test-app.ts'

/** Puts messages of the given texts into a room, in their order: faster than prompting, and of any length. */
export function insertMessages(database: Database, roomId: string, texts: readonly string[]): void {
  const insert = database.query<unknown, [string, string, number, string, string | null, string]>(`
    INSERT INTO messages (id, chatroom_id, position, final_revision, owner, role, reply_to, content, status,
      created_at, completed_at)
    VALUES (?1, ?2, ?3, ?3, 'x', ?4, ?5, ?6, 'complete', 0, 0)`)
  database.transaction(() => {
    let prompt: string | null = null
    for (const [at, text] of texts.entries()) {
      const id = Bun.randomUUIDv7()
      insert.run(id, roomId, at + 1, prompt === null ? 'user' : 'assistant', prompt, text)
      prompt = prompt === null ? id : null
    }
    database.query('UPDATE chatrooms SET revision = ?2 WHERE id = ?1').run(roomId, texts.length)
  })()
}

/** A user with a room, for answers that a test leaves unread or reads piece by piece. */
export async function createLongRoom(settings: Parameters<typeof createTestApp>[0] = {}) {
  const test = createTestApp(settings)
  const one = await test.signIn()
  const room = await json<Room>(test.send('POST', '/v1/chatroom', one))
  return {
    ...test,
    one,
    room,
    path: `/v1/chatroom/${room.id}`,
    fill: (texts: readonly string[]) => insertMessages(test.database.sqlite, room.id, texts),
    /** Without the check against the OpenAPI document, which reads the body. */
    get: ({ token }: TestUser, path: string, headers: Record<string, string> = {}) =>
      test.app.handle(
        new Request(`http://localhost${path}`, {
          headers: { authorization: `Bearer ${token}`, ...headers },
        }),
      ),
  }
}
