import { expect, test } from 'bun:test'
import { planStorm } from './plan.ts'

const options = { seed: 7, prompts: 500, durationMs: 60_000, isShort: false }

test('the same seed is the same plan, another seed another', () => {
  expect(planStorm(options)).toEqual(planStorm(options))
  expect(planStorm({ ...options, seed: 8 })).not.toEqual(planStorm(options))
})

test('a plan has every prompt once, every kind of blow, and faults beside answers', () => {
  const { rooms, blows } = planStorm(options)
  const prompts = rooms.flatMap((room) => room.prompts)
  const numbers = prompts.map(({ number }) => number).sort((a, b) => a - b)
  expect(numbers).toEqual(Array.from({ length: 500 }, (_, number) => number))
  expect(new Set(blows.map(({ kind }) => kind)).size).toBe(4)
  const faults = new Set<string>(prompts.flatMap((prompt) => prompt.faults.map(({ kind }) => kind)))
  expect([...faults].sort()).toEqual(
    ['block', 'cut', 'empty', 'hang', 'malformed', 'status', 'unfinished'].sort(),
  )
  expect(prompts.filter((prompt) => prompt.faults.length === 0).length).toBeGreaterThan(250)
})
