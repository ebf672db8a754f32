/** Shares the event loop among users. */
export interface FairTicks {
  /** Resolves when the user's request may begin, in the order of arrival. */
  begin(userId: string): Promise<void>
}

export interface FairTicksOptions {
  /** Of one user's, those that begin in a tick however long it has been. */
  perTick?: number
  /** Until a tick has taken so long, all may begin in it: short ones need no sharing. */
  shortTickMs?: number
}

interface Queue {
  begun: number
  waiting: (() => void)[]
}

/**
 * Bun hands over all requests that have arrived before it looks for others, and each runs as far as it can before the
 * next. A page of messages takes a few milliseconds, so 64 of them from one user would hold up everyone for a quarter of
 * a second. Once a tick has become long, a user's third and later requests therefore begin in later ticks, between which
 * the requests of others are taken.
 */
export function createFairTicks({
  perTick = 2,
  shortTickMs = 3,
}: FairTicksOptions = {}): FairTicks {
  const queues = new Map<string, Queue>()
  let tickBeganAt = 0

  function tick(): void {
    tickBeganAt = performance.now()
    for (const [userId, queue] of queues) {
      const next = queue.waiting.splice(0, perTick)
      queue.begun = next.length
      for (const begin of next) begin()
      if (next.length === 0) queues.delete(userId)
    }
    if (queues.size > 0) setImmediate(tick)
  }

  return {
    async begin(userId) {
      if (queues.size === 0) {
        tickBeganAt = performance.now()
        setImmediate(tick)
      }
      const queue = queues.get(userId) ?? { begun: 0, waiting: [] }
      queues.set(userId, queue)
      const mayBegin =
        queue.begun < perTick ||
        (queue.waiting.length === 0 && performance.now() - tickBeganAt < shortTickMs)
      if (mayBegin) queue.begun++
      else await new Promise<void>((resolve) => queue.waiting.push(resolve))
    },
  }
}
