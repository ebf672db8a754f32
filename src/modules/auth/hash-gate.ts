import { Problem } from '#src/lib/problem.ts'

export interface HashGate {
  /** Runs a hash when it is its turn. @throws Problem 503 where too many wait already */
  run<T>(hash: () => Promise<T>): Promise<T>
  /** For who has work to do before the hash, and would do it in vain. @throws Problem 503 */
  refuseWhenFull(): void
}

/**
 * Holds hashing back: each takes 19 MiB and a core for tens of milliseconds, so a flood of logins must
 * neither starve the other requests nor pile up.
 */
export function createHashGate({ running = 4, waiting = 64 } = {}): HashGate {
  const queue: (() => void)[] = []
  let free = running

  function refuseWhenFull(): void {
    if (free > 0 || queue.length < waiting) return
    throw new Problem(503, 'busy', 'Too many logins at once. Try again in a moment.', {
      headers: { 'retry-after': '2' },
    })
  }

  async function enter(): Promise<void> {
    if (free > 0) {
      free--
      return
    }
    refuseWhenFull()
    await new Promise<void>((resolve) => queue.push(resolve))
  }

  function leave() {
    const next = queue.shift()
    if (next) next()
    else free++
  }

  return {
    refuseWhenFull,
    async run(hash) {
      await enter()
      try {
        return await hash()
      } finally {
        leave()
      }
    },
  }
}
