import { expect, test } from 'bun:test'
import { DAY, toInstant } from '#src/lib/time.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'

test('an instant is written as Date writes it, in any order of days', () => {
  const random = createSeededRandom(1)
  const edges = [
    0,
    1,
    DAY - 1,
    DAY,
    -1,
    -DAY,
    -DAY - 1,
    Date.UTC(2024, 1, 29),
    Date.UTC(9999, 11, 31),
    Date.UTC(12_000, 0, 1),
  ]
  const some = Array.from(
    { length: 5_000 },
    () => random.int(4_000_000_000_000) - 1_000_000_000_000,
  )
  for (const at of [...edges, ...some]) expect(toInstant(at)).toBe(new Date(at).toISOString())
})

test('what is no instant is said', () => {
  for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 9e15]) {
    expect(() => toInstant(at)).toThrow(RangeError)
  }
})
