import { expect, test } from 'bun:test'
import { lazy, shared } from '#src/lib/lazy.ts'

test('a lazy value is made when first asked for, and once', () => {
  let made = 0
  const value = lazy(() => ({ number: ++made }))
  expect(made).toBe(0)
  const first = value()
  expect(value()).toBe(first)
  expect(made).toBe(1)
})

test('a lazy value whose making threw is made at the next asking', () => {
  let tries = 0
  const value = lazy(() => {
    tries += 1
    if (tries === 1) throw new Error('not yet')
    return { tries }
  })
  expect(value).toThrow('not yet')
  expect(value()).toEqual({ tries: 2 })
})

test('calls while a shared function runs get the result of that run', async () => {
  const runs: PromiseWithResolvers<string>[] = []
  const ask = shared(() => {
    const run = Promise.withResolvers<string>()
    runs.push(run)
    return run.promise
  })
  const answers = [ask(), ask()]
  runs[0]?.resolve('first')
  expect(await Promise.all(answers)).toEqual(['first', 'first'])
  const failing = [ask(), ask()]
  runs[1]?.reject(new Error('second'))
  for (const answer of failing) expect(answer).rejects.toThrow('second')
  await Promise.allSettled(failing)
  const third = ask()
  runs[2]?.resolve('third')
  expect(await third).toBe('third')
  expect(runs).toHaveLength(3)
})
