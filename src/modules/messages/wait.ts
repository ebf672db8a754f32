import type { Notifications } from '#src/database/notifications.ts'
import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'

/** Another process may have written without notifying this one. */
const RECHECK_MS = SECOND

export interface Waits {
  /**
   * Calls `read` again at each notification of the topic until `test` holds, `waitMs` have passed or `signal` aborts
   * because the client has left. Resolves to what was read last.
   */
  until<T>(wait: {
    topic: string
    read: () => Promise<T>
    test: (value: T) => boolean
    waitMs: number
    signal?: AbortSignal | undefined
  }): Promise<T>
  /** Ends all waits, as when the server stops: each resolves to the present state. */
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

  function nextNotification(topic: string, deadlineAt: number, signal: AbortSignal | undefined) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const unsubscribe = notifications.subscribe(topic, (payload) => {
      if (payload === 'stored') resolve()
    })
    const delayMs = Math.max(0, Math.min(RECHECK_MS, deadlineAt - clock.now()))
    const cancelTimer = clock.after(delayMs, resolve)
    waiting.add(resolve)
    const leave = () => resolve()
    signal?.addEventListener('abort', leave)
    return {
      arrived: promise,
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
        // Subscribes before it reads, so that no notification in between is missed.
        const notification = nextNotification(topic, deadlineAt, signal)
        try {
          const value = await read()
          const isDue = clock.now() >= deadlineAt || isOver || signal?.aborted
          if (test(value) || isDue) return value
          await notification.arrived
        } finally {
          notification.stop()
        }
      }
    },
    end() {
      isOver = true
      for (const wake of waiting) wake()
    },
  }
}
