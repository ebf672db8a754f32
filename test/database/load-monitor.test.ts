import { expect, test } from 'bun:test'
import { createRelief } from '#src/database/load-monitor.ts'

/** Commits of `ms` each, `count` in each of the seconds given; the seconds at whose end relief was wanted. */
function wantedAt(seconds: { ms: number; count: number }[]): number[] {
  const wanted: number[] = []
  let now = 0
  const relief = createRelief(() => wanted.push(now))
  for (const [second, { ms, count }] of [...seconds, { ms: 0, count: 1 }].entries()) {
    now = second
    for (let at = 0; at < count; at++) relief.committed(ms, second * 1_000 + (at * 1_000) / count)
  }
  return wanted
}

const busy = { ms: 2, count: 100 }
const calm = { ms: 2, count: 99 }

test('commits that take a fifth of the time for two seconds on end want relief', () => {
  expect(wantedAt([busy, busy, calm])).toEqual([2])
  expect(wantedAt([busy, busy, busy])).toEqual([2, 3])
})

test('less, a second alone, or a pause between do not', () => {
  expect(wantedAt([calm, calm, calm])).toEqual([])
  expect(wantedAt([busy, calm, busy, calm])).toEqual([])
  expect(wantedAt([busy, { ms: 0, count: 0 }, busy, calm])).toEqual([])
})
