import { Database as Sqlite } from 'bun:sqlite'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import { createWorld, type World } from '#test/e2e/world.ts'
import { fromSource, UNLIMITED } from '#test/support/server.ts'

const DEADLINE_MS = 15_000
const PAUSE_MS = 20

/** A server process on files of its own, and a person with a room in it who remembers what was acknowledged. */
export async function createFaultyWorld(
  settings: Record<string, string> = {},
  prefix: string[] = [],
  command: string[] = fromSource,
) {
  const world = await createWorld(
    { command: [...prefix, ...command] },
    // The very object, so that a test can change a setting between two starts.
    { settings: Object.assign(settings, UNLIMITED) },
  )
  // Not spread: its `server` is asked anew each time.
  return Object.assign(world, { path: world.file('data/pollux.db') })
}

export async function createPerson(world: World) {
  const token = await world.signIn()
  const room = await world.call<Room>('POST', '/v1/chatroom', { token, body: {} })
  const acknowledged: string[] = []
  const path = `/v1/chatroom/${room.body.id}/message`
  return {
    token,
    path,
    acknowledged,
    /** Sends a prompt and gives the status; remembers it if it was accepted. */
    async prompt(text = 'hello'): Promise<number> {
      const body = { userPrompt: text }
      const answer = await world.call<Accepted>('POST', path, { token, body })
      if (answer.status === 202) acknowledged.push(answer.body.prompt.id, answer.body.reply.id)
      return answer.status
    },
    /** The latest exchange. */
    latest: () => world.call<{ reply: Message | null }>('GET', path, { token }),
    read: () => world.call<Room>('GET', `/v1/chatroom/${room.body.id}`, { token }),
  }
}

/** What was acknowledged and is not in the file. */
export function missing(path: string, acknowledged: string[]): string[] {
  const sqlite = new Sqlite(path, { readwrite: true, create: false })
  try {
    const check = sqlite.query<{ integrity_check: string }, []>('PRAGMA integrity_check').get()
    if (check?.integrity_check !== 'ok') throw new Error(`damaged: ${check?.integrity_check}`)
    const find = sqlite.query('SELECT 1 FROM messages WHERE id = ?')
    return acknowledged.filter((id) => !find.get(id))
  } finally {
    sqlite.close()
  }
}

export interface Readiness {
  status: number
  detail: string
}

export async function readyz(world: World): Promise<Readiness> {
  const { status, body } = await world.call<{ detail?: string }>('GET', '/readyz')
  return { status, detail: body.detail ?? '' }
}

/** Asks again and again until it holds. @throws after a deadline, with what was last seen */
export async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    const answer = await ask()
    if (holds(answer)) return answer
    if (Date.now() > deadline) throw new Error(`Still ${JSON.stringify(answer)}`)
    await Bun.sleep(PAUSE_MS)
  }
}

export const isGreen = ({ status }: Readiness) => status === 200
export const isRed = ({ status }: Readiness) => status === 503
