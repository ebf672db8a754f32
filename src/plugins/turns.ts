/** Requests of one user that begin in the same turn of the event loop. */
const REQUESTS_PER_TURN = 2

/** Shares the event loop among users. */
export interface Turns {
  /** Resolves when the user's request may begin, in the order of arrival. */
  begin(userId: string): Promise<void>
}

interface Queue {
  begun: number
  waiting: (() => void)[]
}

/**
 * Bun hands over all requests that have arrived before it looks for others. A page of messages takes a few milliseconds,
 * so that 64 of them from one user would hold up everybody for a quarter of a second. From the third on they
 * therefore begin in later turns, between which the requests of others are taken.
 */
export function createTurns(perTurn = REQUESTS_PER_TURN): Turns {
  const queues = new Map<string, Queue>()

  function turn(): void {
    for (const [userId, queue] of queues) {
      const next = queue.waiting.splice(0, perTurn)
      queue.begun = next.length
      for (const begin of next) begin()
      if (next.length === 0) queues.delete(userId)
    }
    if (queues.size > 0) setImmediate(turn)
  }

  return {
    async begin(userId) {
      const queue = queues.get(userId) ?? { begun: 0, waiting: [] }
      if (queues.size === 0) setImmediate(turn)
      queues.set(userId, queue)
      if (queue.begun < perTurn) queue.begun++
      else await new Promise<void>((resolve) => queue.waiting.push(resolve))
    },
  }
}
