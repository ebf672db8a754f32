/** Work that a clock starts: nothing but tidiness depends on it, so a missed run harms nobody. */
export interface Maintenance {
  /** Unique, in words: `prune ended jobs`. */
  name: string
  /** Cron pattern: minute, hour, day of month, month, day of week; a sixth field in front is seconds. */
  pattern: string
  /** IANA time zone of the pattern; UTC by default. */
  timezone?: string
  /** Runs in each process; by default in one of those that share the database. */
  everywhere?: true
  /** `signal` aborts when the server stops, which then waits for this run to end. */
  run(signal: AbortSignal): Promise<unknown>
}
