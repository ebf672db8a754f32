/** Durations in milliseconds; instants everywhere are milliseconds since the Unix epoch. */
export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/**
 * RFC 3339 in UTC with milliseconds, the only form of an instant that leaves the server. A page of messages tells
 * a hundred of them, nearly all of one day, which `Date` would work out each time.
 */
export function toInstant(at: number): string {
  const day = Math.floor(at / DAY)
  if (day !== lastDay.day)
    lastDay = { day, text: new Date(day * DAY).toISOString().slice(0, -'00:00:00.000Z'.length) }
  const inDay = (at - day * DAY) | 0
  const hour = HOURS[(inDay / HOUR) | 0] ?? ''
  const minute = SIXTY[((inDay % HOUR) / MINUTE) | 0] ?? ''
  const second = SIXTY[((inDay % MINUTE) / SECOND) | 0] ?? ''
  return lastDay.text + hour + minute + second + MILLISECONDS[inDay % SECOND]
}

let lastDay = { day: 0, text: '1970-01-01T' }

// Looked up, as putting a number together from its digits takes most of the time.
const HOURS = Array.from({ length: 24 }, (_, at) => String(at).padStart(2, '0'))
const SIXTY = Array.from({ length: 60 }, (_, at) => `:${String(at).padStart(2, '0')}`)
const MILLISECONDS = Array.from({ length: SECOND }, (_, at) => `.${String(at).padStart(3, '0')}Z`)
