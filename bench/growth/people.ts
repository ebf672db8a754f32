import { Database as Sqlite } from 'bun:sqlite'
import { encodeCursor } from '../../src/modules/events/cursor.ts'
import { createBenchTokens } from '../support/world.ts'
import { createDice } from './text.ts'

/** A room of somebody with all that is needed to ask for it. */
export interface Place {
  token: string
  roomId: string
  /** A word of the room's last prompt. */
  word: string
  /** Of a reader that missed the last exchange. */
  lastEventId: string
}

/** People and rooms picked at random from all over the file; long rooms are as likely as they are to be written to. */
export async function pickPlaces(path: string, count: number): Promise<Place[]> {
  const sqlite = new Sqlite(path, { readonly: true })
  const tokens = createBenchTokens()
  const dice = createDice(7)
  const last = sqlite.query<{ key: number }, []>('SELECT max(key) AS key FROM messages').get()
  const read = sqlite.query<
    { userId: string; sessionId: string; roomId: string; revision: number; content: string },
    [number]
  >(`SELECT c.user_id AS userId, s.id AS sessionId, c.id AS roomId, c.revision, m.content
    FROM messages m JOIN chatrooms c ON c.id = m.chatroom_id JOIN sessions s ON s.user_id = c.user_id
    WHERE m.key >= ? AND m.role = 'user' LIMIT 1`)
  const places: Place[] = []
  while (places.length < count) {
    const found = read.get(Math.floor(dice(last?.key ?? 1)))
    if (!found) continue
    const { userId, sessionId, roomId, revision, content } = found
    const words = content.split(/\W+/).sort((a, b) => b.length - a.length)
    const missed = { revision: revision - 3, position: 0, attempt: 0, offset: 0, quota: '' }
    const lastEventId = encodeCursor(roomId, missed)
    places.push({
      token: await tokens.sign({ userId, sessionId }),
      roomId,
      word: words[0] ?? '',
      lastEventId,
    })
  }
  sqlite.close()
  return places
}
