import { DAY, HOUR } from '#src/lib/time.ts'

/** A day of some time zone: its name and the instants between which it lasts. */
export interface Day {
  /** YYYY-MM-DD. */
  name: string
  startsAt: number
  /** The midnight that ends it; days of 23 and 25 hours happen. */
  endsAt: number
}

/** Finds the day an instant belongs to. Keeps the last one, as nearly every question is about today. */
export function createCalendar(timezone: string): (at: number) => Day {
  const nameOf = namer(timezone)
  let today: Day | undefined
  return (at) => {
    if (today && today.startsAt <= at && at < today.endsAt) return today
    const name = nameOf(at)
    const same = (instant: number) => nameOf(instant) === name
    today = {
      name,
      startsAt: firstWhere(at - DAY - 2 * HOUR, at, same),
      endsAt: firstWhere(at, at + DAY + 2 * HOUR, (instant) => !same(instant)),
    }
    return today
  }
}

/** UTC, which is what most run with, without the 10 ms that loading the world's time zones takes. */
function namer(timezone: string): (at: number) => string {
  if (timezone === 'UTC') return (at) => new Date(at).toISOString().slice(0, 10)
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  })
  return (at) => format.format(at)
}

/** The first instant in (from, to] where `test` holds; it must turn from false to true once. */
function firstWhere(from: number, to: number, test: (at: number) => boolean): number {
  let [low, high] = [from, to]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (test(middle)) high = middle
    else low = middle
  }
  return high
}
