import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { backoffCeilingMs, backoffMs } from '#src/queue/run.ts'

test('a delay is between 0 and a ceiling that doubles from 1 s to 60 s', () => {
  void fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat(), (errors, seed) => {
      const ceiling = Math.min(60_000, 1_000 * 2 ** (errors - 1))
      let asked = 0
      const delay = backoffMs(errors, (below) => {
        asked = below
        return seed % below
      })
      expect(asked).toBe(ceiling + 1)
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(ceiling)
    }),
  )
  expect([1, 2, 3, 6, 7, 99].map(backoffCeilingMs)).toEqual([
    1_000, 2_000, 4_000, 32_000, 60_000, 60_000,
  ])
})
