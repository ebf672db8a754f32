/** Durations in milliseconds; instants everywhere are milliseconds since the Unix epoch. */
export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** RFC 3339 in UTC with milliseconds, the only form of an instant that leaves the server. */
export function toInstant(at: number): string {
  return new Date(at).toISOString()
}
