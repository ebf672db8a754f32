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

export function createNotifications(): Notifications {
  const topics = new Map<string, Set<Listener>>()
  return {
    publish(topic, payload) {
      const listeners = topics.get(topic)
      if (listeners) for (const listener of [...listeners]) listener(payload)
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
