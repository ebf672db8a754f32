import type { Notifications } from '#src/database/notifications.ts'
import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'

/** Another process may have written without our hearing of it. */
const RECHECK_MS = SECOND

export interface Waits {
  /**
   * Asks `read` again at each news of the topic until `test` holds, `waitMs` are over or `signal` says that the client
   * is gone; gives what was read last.
   */
  until<T>(wait: {
    topic: string
    read: () => Promise<T>
    test: (value: T) => boolean
    waitMs: number
    signal?: AbortSignal | undefined
  }): Promise<T>
  /** Nobody waits any longer, as when the server stops: all are given what is there now. */
  end(): void
}

export function createWaits({
  clock,
  notifications,
}: {
  clock: Clock
  notifications: Notifications
}): Waits {
  const waiting = new Set<() => void>()
  let isOver = false

  function nextNews(topic: string, deadlineAt: number, signal: AbortSignal | undefined) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const unsubscribe = notifications.subscribe(topic, (news) => {
      if (news === 'stored') resolve()
    })
    const delayMs = Math.max(0, Math.min(RECHECK_MS, deadlineAt - clock.now()))
    const cancelTimer = clock.after(delayMs, resolve)
    waiting.add(resolve)
    const leave = () => resolve()
    signal?.addEventListener('abort', leave)
    return {
      heard: promise,
      stop() {
        signal?.removeEventListener('abort', leave)
        unsubscribe()
        cancelTimer()
        waiting.delete(resolve)
      },
    }
  }

  return {
    async until({ topic, read, test, waitMs, signal }) {
      const deadlineAt = clock.now() + waitMs
      for (;;) {
        // Listening begins before reading, or news between the two would be missed.
        const news = nextNews(topic, deadlineAt, signal)
        try {
          const value = await read()
          const isDue = clock.now() >= deadlineAt || isOver || signal?.aborted
          if (test(value) || isDue) return value
          await news.heard
        } finally {
          news.stop()
        }
      }
    },
    end() {
      isOver = true
      for (const wake of waiting) wake()
    },
  }
}
