import { describe, expect, test } from 'bun:test'
import { type Exchange, estimateTokens, fitWindow } from '#src/modules/assistant/context.ts'

const exchange = (name: string, replyTokens: number | null = null): Exchange => ({
  prompt: `${name}?`.padEnd(40, '.'),
  reply: `${name}!`.padEnd(40, '.'),
  replyTokens,
})
const fit = (budget: number, exchanges: Iterable<Exchange>) =>
  fitWindow({
    system: 'x'.repeat(40),
    prompt: 'y'.repeat(40),
    exchanges,
    budget,
    measured: undefined,
  })

describe('The context window', () => {
  test('holds whole latest exchanges, oldest dropped first, in the order of the room', () => {
    // Instruction and prompt take 10 tokens each, an exchange 20.
    const { turns } = fit(65, [exchange('three'), exchange('two'), exchange('one')])
    expect(turns.map(({ role, text }) => `${role} ${text.slice(0, 4)}`)).toEqual([
      'user two?',
      'model two!',
      'user thre',
      'model thre',
    ])
  })

  test('keeps the prompt even where nothing else fits, and is empty at 0', () => {
    expect(fit(0, [exchange('one')])).toEqual({ turns: [], characters: 80 })
    expect(fit(39, [exchange('one')]).turns).toEqual([])
    expect(fit(40, [exchange('one')]).turns).toHaveLength(2)
  })

  test('does not skip a large exchange to reach an older one', () => {
    const large = { ...exchange('two'), reply: 'z'.repeat(4_000) }
    expect(fit(100, [large, exchange('one')]).turns).toEqual([])
  })

  test('reads no further than it fits', () => {
    function* endless() {
      for (let at = 0; ; at++) yield exchange(String(at))
    }
    expect(fit(100, endless()).turns).toHaveLength(8)
  })

  test('takes the provider’s count of a reply before its own estimate', () => {
    expect(fit(40, [exchange('one', 11)]).turns).toEqual([])
    expect(fit(39, [exchange('one', 9)]).turns).toHaveLength(2)
  })

  test('learns from the provider how the room’s language counts, within bounds', () => {
    expect(estimateTokens('12345678')).toBe(2)
    expect(estimateTokens('12345678', { promptTokens: 50, characters: 100 })).toBe(4)
    expect(estimateTokens('12345678', { promptTokens: 1, characters: 1_000 })).toBe(1)
    expect(estimateTokens('12345678', { promptTokens: 9_000, characters: 1 })).toBe(8)
  })
})
