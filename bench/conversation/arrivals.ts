import { rawGet } from '../support/raw-get.ts'
import type { BenchUser, World } from '../support/world.ts'

/** When each piece of each prompt arrived, by prompt and piece. */
export type Arrivals = Map<number, number[]>

export interface Follower {
  arrivals: Arrivals
  close(): void
}

/** Reads the events of the person's first room. */
export async function follow(world: World, user: BenchUser): Promise<Follower> {
  const arrivals: Arrivals = new Map()
  const url = `${world.server.url}/v1/chatroom/${user.rooms[0]}/events`
  const stream = await rawGet(
    url,
    { authorization: `Bearer ${user.token}` },
    noteArrivals(arrivals),
  )
  if ((await stream.status) !== 200)
    throw new Error(`The event stream answered ${await stream.status}`)
  return { arrivals, close: stream.close }
}

/** Notes when each piece is first seen. */
export function noteArrivals(arrivals: Arrivals): (text: string) => void {
  let tail = ''
  return (text) => {
    const now = performance.now()
    const all = tail + text
    let end = 0
    for (const match of all.matchAll(/#(\d+)\.(\d+)#/g)) {
      const [number, piece] = [Number(match[1]), Number(match[2])]
      const list = arrivals.get(number) ?? []
      // The finished reply repeats its whole text; only the first sight counts.
      list[piece] ??= now
      arrivals.set(number, list)
      end = match.index + match[0].length
    }
    // A piece may be cut by the end of a packet.
    tail = all.slice(Math.max(end, all.length - 20))
  }
}
