import { afterEach, beforeEach, expect, type Mock, spyOn, test } from 'bun:test'
import { createTurns } from '#src/plugins/turns.ts'

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

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

function setUp() {
  const turns = createTurns()
  const begun: string[] = []
  const begin = (userId: string, count: number) => {
    for (let at = 1; at <= count; at++) void turns.begin(userId).then(() => begun.push(userId + at))
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
  await nextTurn()
  expect(begun).toEqual(['a1', 'a2', 'b1', 'a3', 'a4'])
  await nextTurn()
  expect(begun.at(-1)).toBe('a5')
})

test('a request that comes while others wait goes behind them', async () => {
  const { begun, begin } = setUp()
  begin('a', 4)
  await nextTurn()
  begin('a', 1)
  await Promise.resolve()
  expect(begun).toEqual(['a1', 'a2', 'a3', 'a4'])
  await nextTurn()
  expect(begun).toEqual(['a1', 'a2', 'a3', 'a4', 'a1'])
})

test('a user begins at once again when nothing of theirs waits', async () => {
  const { begun, begin } = setUp()
  begin('a', 3)
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  begin('a', 1)
  await Promise.resolve()
  expect(begun).toEqual(['a1', 'a2', 'a3', 'a1'])
})

test('keeps nothing of users whose requests have begun, and asks for no further turn', async () => {
  const { begin } = setUp()
  begin('a', 4)
  begin('b', 1)
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  using asked = spyOn(globalThis, 'setImmediate')
  // Once more here, because the last turn of the queue may ask for the next.
  await nextTurn()
  await nextTurn()
  expect(asked).toHaveBeenCalledTimes(2)
})
