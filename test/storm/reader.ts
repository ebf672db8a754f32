import type { StormWorld } from './world.ts'

const CONNECT_WITHIN_MS = 4_000
/** Longer than a pause or a takeover; a server that was stopped for good is left by then. */
const SILENT_MS = 20_000
const AGAIN_AFTER_MS = 100

/** A room as one reader has put it together from its events, across all its connections. */
export interface Rebuilt {
  roomId: string
  /** Text of each reply from deltas and resets alone. */
  texts: Map<string, string>
  /** What `done` said, by reply. */
  done: Map<string, { status: string; content: string }>
  added: Set<string>
  connections: number
  events: number
  resets: number
  /** What must not happen, in words. */
  faults: string[]
}

export interface RoomReader {
  rebuilt: Rebuilt
  /** Resolves with the first event: from then on it can miss nothing. */
  ready: Promise<void>
  /** Resolves when it has left. */
  stop(): Promise<void>
}

interface Event {
  id: string
  name: string
  data: EventData
}

interface EventData {
  id?: string
  messageId?: string
  offset?: number
  text?: string
  status?: string
  content?: string
}

/** Follows a room for the whole storm: reconnects with Last-Event-ID whenever it is cut off, and by itself. */
export function followRoom(
  world: StormWorld,
  room: { id: string; token: string },
  dropsAfter: readonly number[],
): RoomReader {
  const rebuilt: Rebuilt = {
    roomId: room.id,
    texts: new Map(),
    done: new Map(),
    added: new Set(),
    connections: 0,
    events: 0,
    resets: 0,
    faults: [],
  }
  const leaving = new AbortController()
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>()
  let lastId: string | undefined

  async function connectOnce() {
    const connection = new AbortController()
    const leave = () => connection.abort()
    leaving.signal.addEventListener('abort', leave)
    let timer = setTimeout(leave, CONNECT_WITHIN_MS)
    let left = dropsAfter[rebuilt.connections % dropsAfter.length] ?? 10
    try {
      const answer = await fetch(`${world.url}/v1/chatroom/${room.id}/events`, {
        headers: {
          authorization: `Bearer ${room.token}`,
          ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
        },
        signal: connection.signal,
      })
      if (answer.status !== 200 || !answer.body) return
      rebuilt.connections++
      let buffer = ''
      const decoder = new TextDecoder()
      for await (const chunk of answer.body) {
        clearTimeout(timer)
        timer = setTimeout(leave, SILENT_MS)
        buffer += decoder.decode(chunk, { stream: true })
        for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
          const event = parse(buffer.slice(0, end))
          buffer = buffer.slice(end + 2)
          if (!event) continue
          lastId = event.id
          take(rebuilt, event)
          isReady()
          if (--left === 0) return
        }
      }
    } catch {
      // Cut off, refused, or left: it connects again.
    } finally {
      clearTimeout(timer)
      leaving.signal.removeEventListener('abort', leave)
      connection.abort()
    }
  }

  async function follow() {
    while (!leaving.signal.aborted) {
      await connectOnce()
      if (!leaving.signal.aborted) await Bun.sleep(AGAIN_AFTER_MS)
    }
  }

  const left = follow()
  return {
    rebuilt,
    ready,
    async stop() {
      leaving.abort()
      await left
    },
  }
}

function parse(block: string): Event | undefined {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)] as const
    }),
  )
  const [id, name, data] = ['id', 'event', 'data'].map((field) => fields.get(field))
  if (id === undefined || name === undefined || data === undefined) return undefined
  // Written by our own server, whose events this checks.
  return { id, name, data: JSON.parse(data) as EventData }
}

function take(rebuilt: Rebuilt, { name, data }: Event): void {
  const { texts, done, added, faults } = rebuilt
  rebuilt.events++
  const id = data.messageId ?? data.id ?? ''
  switch (name) {
    case 'message':
      if (added.has(id)) faults.push(`message ${id} was announced twice`)
      added.add(id)
      return
    case 'reset':
      rebuilt.resets++
      texts.set(id, '')
      return
    case 'delta': {
      const text = texts.get(id) ?? ''
      if (data.offset !== text.length) {
        faults.push(`reply ${id}: delta at ${data.offset}, but ${text.length} were told`)
      }
      if (done.has(id)) faults.push(`reply ${id}: delta after done`)
      texts.set(id, text + (data.text ?? ''))
      return
    }
    case 'done':
      if (done.has(id)) faults.push(`reply ${id} was done twice`)
      done.set(id, { status: data.status ?? '', content: data.content ?? '' })
      return
    default:
  }
}
