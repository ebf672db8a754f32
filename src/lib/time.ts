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
  const inDay = at - day * DAY
  const hour = TWO[Math.floor(inDay / HOUR)]
  const minute = TWO[Math.floor((inDay % HOUR) / MINUTE)]
  const second = TWO[Math.floor((inDay % MINUTE) / SECOND)]
  return `${lastDay.text}${hour}:${minute}:${second}.${String(inDay % SECOND).padStart(3, '0')}Z`
}

let lastDay = { day: 0, text: '1970-01-01T' }

const TWO = Array.from({ length: 60 }, (_, at) => String(at).padStart(2, '0'))
