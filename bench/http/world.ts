import { Database } from 'bun:sqlite'
import { createTimedGemini } from '../support/gemini.ts'
import { createWorld, type World } from '../support/world.ts'
import { fillRooms } from './fill.ts'

export const MESSAGES_PER_ROOM = 60

/**
 * The server whose hot routes are asked, with people, rooms and messages in it. With the provider's bucket
 * nearly empty the replies wait: what is measured is the door.
 */
export async function createHttpWorld(command?: string[]): Promise<World> {
  const gemini = createTimedGemini({ pieces: 1, everyMs: 0 })
  const world = await createWorld({
    users: 50,
    roomsPerUser: 4,
    geminiUrl: gemini.url,
    settings: { PROVIDER_RPM: '1' },
    fill: (orm, users) => fillRooms(orm, users, MESSAGES_PER_ROOM),
    ...(command && { command }),
  })
  await indexed(world.databasePath)
  return {
    ...world,
    async stop() {
      await world.stop()
      await gemini.stop()
    },
  }
}

/** Resolves when the server's search index holds the messages of the fill: indexing them is not what is measured. */
async function indexed(databasePath: string): Promise<void> {
  using database = new Database(databasePath, { readonly: true })
  const waiting = database.query('SELECT 1 FROM search_pending WHERE key > 0 LIMIT 1')
  const deadline = performance.now() + 60_000
  while (waiting.get()) {
    if (performance.now() > deadline) throw new Error('The search index is not complete after 60 s')
    await Bun.sleep(100)
  }
}
