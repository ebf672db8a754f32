import { expect, test } from 'bun:test'
import { HOUR } from '#src/lib/time.ts'
import { createCalendar } from '#src/modules/quota/day.ts'

const at = (text: string) => Date.parse(text)

test('a day ends at midnight of its time zone', () => {
  const dayOf = createCalendar('Asia/Kolkata')
  expect(dayOf(at('2026-11-22T18:29:59.999Z'))).toEqual({
    name: '2026-11-22',
    startsAt: at('2026-11-21T18:30:00Z'),
    endsAt: at('2026-11-22T18:30:00Z'),
  })
  expect(dayOf(at('2026-11-22T18:30:00Z')).name).toBe('2026-11-23')
})

test('a day has 23 or 25 hours where the clocks change', () => {
  const dayOf = createCalendar('Europe/Berlin')
  const lengthOf = (text: string) => {
    const { startsAt, endsAt } = dayOf(at(text))
    return (endsAt - startsAt) / HOUR
  }
  expect(lengthOf('2026-03-29T12:00:00Z')).toBe(23)
  expect(lengthOf('2026-10-25T12:00:00Z')).toBe(25)
  expect(lengthOf('2026-10-26T12:00:00Z')).toBe(24)
})

for (const [zone, day, hours] of [
  ['Europe/Berlin', '2026-10-25', 25],
  ['Europe/Berlin', '2026-03-29', 23],
  ['Australia/Lord_Howe', '2026-04-05', 24.5],
  ['America/New_York', '2026-11-01', 25],
] as const) {
  test(`the ${hours} h day of ${zone} is found from each of its instants`, () => {
    const { startsAt, endsAt } = createCalendar(zone)(at(`${day}T12:00:00Z`))
    expect((endsAt - startsAt) / HOUR).toBe(hours)
    for (const instant of [startsAt, startsAt + 1, startsAt + 12 * HOUR, endsAt - 1]) {
      // A calendar of its own: one keeps the last day it found.
      expect(createCalendar(zone)(instant)).toEqual({ name: day, startsAt, endsAt })
    }
    expect(createCalendar(zone)(startsAt - 1).endsAt).toBe(startsAt)
    expect(createCalendar(zone)(endsAt).startsAt).toBe(endsAt)
  })
}

test('an earlier instant after a later one is still its own day', () => {
  const dayOf = createCalendar('UTC')
  expect(dayOf(at('2026-11-22T00:00:00Z')).name).toBe('2026-11-22')
  expect(dayOf(at('2026-11-21T23:59:59.999Z')).name).toBe('2026-11-21')
})
