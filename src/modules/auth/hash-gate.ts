import { Problem } from '#src/lib/problem.ts'

/** Runs a hash when it is its turn. @throws Problem 503 where too many wait already */
export type HashGate = <T>(hash: () => Promise<T>) => Promise<T>

/**
 * Holds hashing back: each takes 19 MiB and a core for tens of milliseconds, so a flood of logins must
 * neither starve the other requests nor pile up.
 */
export function createHashGate({ running = 4, waiting = 64 } = {}): HashGate {
  const queue: (() => void)[] = []
  let free = running

  async function enter(): Promise<void> {
    if (free > 0) {
      free--
      return
    }
    if (queue.length >= waiting) {
      throw new Problem(503, 'busy', 'Too many logins at once. Try again in a moment.', {
        headers: { 'retry-after': '2' },
      })
    }
    await new Promise<void>((resolve) => queue.push(resolve))
  }

  function leave() {
    const next = queue.shift()
    if (next) next()
    else free++
  }

  return async (hash) => {
    await enter()
    try {
      return await hash()
    } finally {
      leave()
    }
  }
}
