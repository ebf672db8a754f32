/**
 * Runs `work` once at a time for each key. Whoever comes while it runs shares the next run, as the present
 * one may have looked too early; so a hundred callers cost two runs.
 */
export function inTurns<T>(work: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  const next = new Map<string, Promise<T>>()

  function start(key: string): Promise<T> {
    const run = work(key).finally(() => running.delete(key))
    running.set(key, run)
    return run
  }

  return (key) => {
    const present = running.get(key)
    if (present === undefined) return start(key)
    const waiting = next.get(key)
    if (waiting !== undefined) return waiting
    const following = present
      .catch(() => {})
      .then(() => {
        next.delete(key)
        return start(key)
      })
    next.set(key, following)
    return following
  }
}
