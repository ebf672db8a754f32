import { Problem } from '#src/lib/problem.ts'

/** For whom a hash is computed. */
export interface HashFor {
  /** The widest address range of the client: its hashes wait in one line. */
  network: string
  /** True after a right code or within a session: such requests go first. */
  isProven: boolean
}

export interface HashGate {
  /** Runs a hash once there is capacity for it. @throws Problem 503 where too many wait already */
  run<T>(who: HashFor, hash: () => Promise<T>): Promise<T>
  /** For a request that would do other work before the hash, and do it in vain. @throws Problem 503 */
  refuseWhenFull(who: HashFor): void
}

interface Waiter {
  enter(): void
  refuse(): void
}

/**
 * Bounds hashing: each takes 19 MiB and a core for tens of milliseconds, so a flood of logins must neither starve the
 * other requests nor pile up. Networks are served round-robin, and where all places are taken the network with the most waiting
 * gives one up to a network with fewer: a flood from one network delays its own requests only.
 */
export function createHashGate({ running = 4, waiting = 64 } = {}): HashGate {
  // The network that is served next comes first. The requests of one network are served in the order of their arrival.
  const proven = new Map<string, Waiter[]>()
  const strangers = new Map<string, Waiter[]>()
  let free = running

  /** The line that gives up a place to `who`; undefined where `who` has to be refused. */
  function crowdedLine({ network, isProven }: HashFor): Waiter[] | undefined {
    const own = (isProven ? proven : strangers).get(network)?.length ?? 0
    const longestStrangers = longest(strangers)
    if (isProven && longestStrangers) return longestStrangers
    const line = isProven ? longest(proven) : longestStrangers
    return line && line.length > own + 1 ? line : undefined
  }

  function isFull(): boolean {
    return free === 0 && count(proven) + count(strangers) >= waiting
  }

  function refuseWhenFull(who: HashFor): void {
    if (isFull() && !crowdedLine(who)) throw busy()
  }

  async function enter(who: HashFor): Promise<void> {
    if (free > 0) {
      free--
      return
    }
    if (isFull()) {
      const line = crowdedLine(who)
      if (!line) throw busy()
      line.pop()?.refuse()
    }
    await new Promise<void>((resolve, reject) => {
      const lines = who.isProven ? proven : strangers
      const line = lines.get(who.network) ?? []
      lines.set(who.network, line)
      line.push({ enter: resolve, refuse: () => reject(busy()) })
    })
  }

  function leave() {
    const next = takeNext(proven) ?? takeNext(strangers)
    if (next) next.enter()
    else free++
  }

  return {
    refuseWhenFull,
    async run(who, hash) {
      await enter(who)
      try {
        return await hash()
      } finally {
        leave()
      }
    },
  }
}

/** The first waiter of the network that is served next, which then goes to the end. */
function takeNext(lines: Map<string, Waiter[]>): Waiter | undefined {
  for (const [network, line] of lines) {
    lines.delete(network)
    const next = line.shift()
    if (line.length > 0) lines.set(network, line)
    if (next) return next
  }
  return undefined
}

function longest(lines: Map<string, Waiter[]>): Waiter[] | undefined {
  let found: Waiter[] | undefined
  for (const line of lines.values()) if (line.length > (found?.length ?? 0)) found = line
  return found
}

function count(lines: Map<string, Waiter[]>): number {
  let waiting = 0
  for (const line of lines.values()) waiting += line.length
  return waiting
}

function busy(): Problem {
  return new Problem(503, 'busy', 'Too many logins at once. Try again in a moment.', {
    headers: { 'retry-after': '2' },
  })
}
