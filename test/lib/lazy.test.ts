import { expect, test } from 'bun:test'
import { lazy } from '#src/lib/lazy.ts'

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
