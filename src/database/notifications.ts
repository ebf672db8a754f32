export type Listener = (payload: unknown) => void

/**
 * Committed facts, told to whoever listens in this process (a wake-up, a new message). A second
 * process would miss them, so every listener must also be right without them: they only make it quick.
 * On PostgreSQL this becomes LISTEN/NOTIFY.
 */
export interface Notifications {
  publish(topic: string, payload: unknown): void
  subscribe(topic: string, listener: Listener): () => void
}

export function createNotifications(
  faulty: (error: unknown, topic: string) => void = rethrowLater,
): Notifications {
  const topics = new Map<string, Set<Listener>>()
  return {
    publish(topic, payload) {
      const listeners = topics.get(topic)
      for (const listener of listeners ? [...listeners] : []) {
        try {
          listener(payload)
        } catch (error) {
          // The fact is committed: the other listeners, and the command's caller, must hear of it.
          faulty(error, topic)
        }
      }
    },
    subscribe(topic, listener) {
      const listeners = topics.get(topic) ?? new Set()
      topics.set(topic, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && topics.get(topic) === listeners) topics.delete(topic)
      }
    },
  }
}

/** As an uncaught exception, after the commit's callers have been told. */
function rethrowLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
