import { expect, test } from 'bun:test'
import { inTurns } from '#src/modules/billing/turns.ts'

/** Work that each test ends by hand. */
function open() {
  const runs: PromiseWithResolvers<number>[] = []
  const work = inTurns(() => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  })
  return { runs, work }
}

test('whoever comes during a run shares the next one, and another key waits for nobody', async () => {
  const { runs, work } = open()
  const first = work('a')
  const followers = [work('a'), work('a'), work('a')]
  void work('b')
  expect(runs).toHaveLength(2)
  runs[0]?.resolve(1)
  expect(await first).toBe(1)
  await Bun.sleep(0)
  expect(runs).toHaveLength(3)
  runs[2]?.resolve(2)
  expect(await Promise.all(followers)).toEqual([2, 2, 2])
})

test('a run that fails fails its own callers only', async () => {
  const { runs, work } = open()
  const first = work('a')
  const second = work('a')
  runs[0]?.reject(new Error('down'))
  await expect(first).rejects.toThrow('down')
  await Bun.sleep(0)
  runs[1]?.resolve(2)
  expect(await second).toBe(2)
})
