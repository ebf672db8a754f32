import { expect, test } from 'bun:test'
import { createPartialSaver, SAVE_EVERY_MS } from '#src/modules/messages/partial-saver.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'

function createTestSaver(answers: (() => boolean)[] = []) {
  const clock = createFakeClock()
  const saved: string[] = []
  const saver = createPartialSaver(clock, async (text) => {
    const answer = answers[saved.length]
    saved.push(text)
    return answer ? answer() : true
  })
  const lengths = () => saved.map(({ length }) => length)
  /** Lets a write under way end, then the time until the next one pass. */
  async function interval() {
    await clock.advance(0)
    await clock.advance(SAVE_EVERY_MS)
  }
  return { interval, saver, saved, lengths }
}

test('a short text is written after each interval in which it has grown, and never at once', async () => {
  const { interval, saver, saved } = createTestSaver()
  saver.grow('a')
  saver.grow('ab')
  expect(saved).toEqual([])
  await interval()
  expect(saved).toEqual(['ab'])
  await interval()
  expect(saved).toHaveLength(1)
  saver.grow('abc')
  expect(saved).toHaveLength(1)
  await interval()
  expect(saved).toEqual(['ab', 'abc'])
  await saver.stop()
})

test('a text that ends within its first interval is not written', async () => {
  const { interval, saver, saved } = createTestSaver()
  saver.grow('a')
  await saver.stop()
  await interval()
  expect(saved).toEqual([])
})

test('however long a text grows, all its writes are together a few times its length', async () => {
  const { interval, saver, lengths } = createTestSaver()
  const whole = 500_000
  for (let length = 100; length <= whole; length += 100) {
    saver.grow('x'.repeat(length))
    await interval()
  }
  const written = lengths().reduce((sum, length) => sum + length, 0)
  expect(written).toBeLessThan(whole * 6)
  // And what a crash takes of it is a fifth at most.
  expect(lengths().at(-1)).toBeGreaterThan((whole * 4) / 5 - 200)
  await saver.stop()
})

test('a failed write is repeated with the next piece; an attempt that lost its job stops writing', async () => {
  const fails = () => {
    throw new Error('the disk is full')
  }
  const { interval, saver, saved } = createTestSaver([fails, () => true, () => false])
  saver.grow('a')
  await interval()
  expect(saved).toEqual(['a'])
  await interval()
  expect(saved).toEqual(['a', 'a'])
  saver.grow('ab')
  await interval()
  expect(saver.isLost).toBe(true)
  saver.grow('abc')
  await interval()
  expect(saved).toEqual(['a', 'a', 'ab'])
  await saver.stop()
})
