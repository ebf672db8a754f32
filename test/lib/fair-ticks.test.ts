import { afterEach, beforeEach, expect, type Mock, spyOn, test } from 'bun:test'
import { createFairTicks } from '#src/lib/fair-ticks.ts'

let stopwatch: Mock<typeof performance.now>
/** What each look at the time adds, in milliseconds. */
let stepMs: number

beforeEach(() => {
  let time = 0
  stepMs = 3
  stopwatch = spyOn(performance, 'now').mockImplementation(() => {
    time += stepMs
    return time
  })
})

afterEach(() => stopwatch.mockRestore())

const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve))

function setUp() {
  const ticks = createFairTicks()
  const begun: string[] = []
  const begin = (userId: string, count: number) => {
    for (let at = 1; at <= count; at++) void ticks.begin(userId).then(() => begun.push(userId + at))
  }
  return { begun, begin }
}

test('while a tick is short, all requests of a user begin in it', async () => {
  stepMs = 0.1
  const { begun, begin } = setUp()
  begin('a', 5)
  await Promise.resolve()
  expect(begun).toEqual(['a1', 'a2', 'a3', 'a4', 'a5'])
})

test('in a long tick two requests of a user begin, in order, and no other user waits', async () => {
  const { begun, begin } = setUp()
  begin('a', 5)
  begin('b', 1)
  await Promise.resolve()
  expect(begun).toEqual(['a1', 'a2', 'b1'])
  await nextTick()
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3', 'a4'])
  await nextTick()
  expect(begun.at(-1)).toBe('a5')
})

test('a request that comes while others wait goes behind them', async () => {
  const { begun, begin } = setUp()
  begin('a', 4)
  await nextTick()
  begin('a', 1)
  await Promise.resolve()
  expect(begun).toEqual(['a1', 'a2', 'a3', 'a4'])
  await nextTick()
  expect(begun).toEqual(['a1', 'a2', 'a3', 'a4', 'a1'])
})

test('a user begins at once again when nothing of theirs waits', async () => {
  const { begun, begin } = setUp()
  begin('a', 3)
  for (let turn = 0; turn < 3; turn++) await nextTick()
  begin('a', 1)
  await Promise.resolve()
  expect(begun).toEqual(['a1', 'a2', 'a3', 'a1'])
})

test('forgets users whose requests have all begun, and schedules no further tick', async () => {
  const { begin } = setUp()
  begin('a', 4)
  begin('b', 1)
  for (let turn = 0; turn < 3; turn++) await nextTick()
  using asked = spyOn(globalThis, 'setImmediate')
  // Once more here, because the last turn of the queue may ask for the next.
  await nextTick()
  await nextTick()
  expect(asked).toHaveBeenCalledTimes(2)
})
