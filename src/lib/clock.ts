/** Time as the program sees it. Everything that waits or stamps takes a Clock, so tests never sleep. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `run` once, `delayMs` from now, and returns a function that calls it off. */
  after(delayMs: number, run: () => void): () => void
  /** Calls `run` each `periodMs` and returns a function that ends it. */
  every(periodMs: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs)
    return () => clearInterval(timer)
  },
}
