import { expect, test } from 'bun:test'
import { makeSnippet } from '#src/modules/search/snippet.ts'
import { toOwnWords } from '#src/modules/search/words.ts'

const marked = (text: string, asked: string) => {
  const { snippet, highlights } = makeSnippet(text, asked)
  return highlights.reduceRight(
    (shown, [from, to]) => `${shown.slice(0, from)}[${shown.slice(from, to)}]${shown.slice(to)}`,
    snippet,
  )
}

test('a short text is shown whole, with every place of each word and of the last one’s beginning', () => {
  expect(marked('Zürich, then Zurich again!', 'zurich')).toBe('[Zürich], then [Zurich] again!')
  expect(marked('rain and a rainbow', 'rain')).toBe('[rain] and a [rainbow]')
  expect(marked('rain and a rainbow', 'rain and')).toBe('[rain] [and] a rainbow')
  expect(marked('😀 a (b) c:d*', 'c:d*')).toBe('😀 a (b) [c:d]*')
  expect(marked('c and d', 'c:d')).toBe('c and d')
})

test('a long text is cut to where most of the words are', () => {
  const filler = 'so '.repeat(100)
  const text = `rain ${filler}warm jacket against rain ${filler}`
  expect(marked(text, 'rain jacket')).toBe(
    `…so so so warm [jacket] against [rain]${' so'.repeat(17)}…`,
  )
  expect(marked(`${filler}end`, 'end')).toBe(`…${'so '.repeat(23)}[end]`)
})

test('a text in which the word is not found is shown from its beginning', () => {
  expect(marked('!?', 'word')).toBe('!?')
  expect(makeSnippet(`${'so '.repeat(100_000)}end`, 'end').snippet).toBe(
    `${'so '.repeat(24).trim()}…`,
  )
})

test('the mark stands before each word and nowhere else', () => {
  const id = '019a2c5e-8d21-7a11-8f00-5d2c7a9e4b10'
  expect(toOwnWords(id, 'Über 3 Züge, e\u0301te\u0301 😀!')).toBe(
    '5d2c7a9e4b10Über 5d2c7a9e4b103 5d2c7a9e4b10Züge, 5d2c7a9e4b10e\u0301te\u0301 😀!',
  )
})
