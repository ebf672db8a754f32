import { expect, test } from 'bun:test'
import { parseQuery } from '#src/modules/search/phrases.ts'
import { makeSnippet } from '#src/modules/search/snippet.ts'

const marked = (text: string, asked: string) => {
  const { snippet, highlights } = makeSnippet(text, parseQuery(asked)) ?? { highlights: [] }
  return highlights.reduceRight(
    (shown, [from, to]) => `${shown?.slice(0, from)}[${shown?.slice(from, to)}]${shown?.slice(to)}`,
    snippet,
  )
}

test('a short text is shown whole, with every place of each word and of the last one’s beginning', () => {
  expect(marked('Zürich, then Zurich again!', 'zurich')).toBe('[Zürich], then [Zurich] again!')
  expect(marked('rain and a rainbow', 'rain')).toBe('[rain] and a [rainbow]')
  expect(marked('rain and a rainbow', 'rain and')).toBe('[rain] [and] a rainbow')
  expect(marked('😀 a (b) c:d*', 'c:d*')).toBe('😀 a (b) [c:d]*')
})

test('a place in the folded text is led back to the original, however much longer or shorter it was', () => {
  expect(marked('Die Straße, ﬁnance', 'strasse finance')).toBe('Die [Straße], [ﬁnance]')
  expect(marked('قال مُحَمَّدٌ نعم', 'محمد')).toBe('قال [مُحَمَّدٌ] نعم')
  expect(marked('½ ﷺ 我想去北京旅游', '北京')).toBe('½ ﷺ 我想去[北京]旅游')
  expect(marked(`${'é\u0323'.repeat(900)} Πηνελόπη`, 'πηνελοπη')).toBe('…[Πηνελόπη]')
  expect(marked(`${'ß'.repeat(900)}，京都 ${'ﬁ'.repeat(900)}`, '京都')).toStartWith('…')
  expect(marked('👨‍👩‍👧 at 🇩🇪', '🇩🇪')).toBe('👨‍👩‍👧 at [🇩🇪]')
})

test('a long text is cut beside the words, where most of them are', () => {
  const filler = 'so '.repeat(100)
  const text = `rain ${filler}warm jacket against rain ${filler}`
  const shown = marked(text, 'rain jacket')
  expect(shown).toMatch(/^…(so )+warm \[jacket\] against \[rain\]( so)+…$/)
  expect(shown?.length).toBeLessThan(180)
  expect(marked(`${filler}end`, 'end')).toMatch(/^…(so ){10,15}\[end\]$/)
  expect(marked(`start ${filler}`, 'start')).toMatch(/^\[start\]( so)+…$/)
  expect(marked('京'.repeat(3_000) + '都'.repeat(3_000), '京都')).toMatch(/^…京+\[京都\]都+…$/)
})

test('a snippet stays short where the text has no spaces, and cuts no character', () => {
  const shown = makeSnippet(`${'👍🏽'.repeat(500)} word ${'👍🏽'.repeat(500)}`, parseQuery('word'))
  expect(shown?.snippet.length).toBeLessThan(250)
  expect(shown?.snippet.isWellFormed()).toBe(true)
  expect(makeSnippet(`${'x'.repeat(40_000)} y`, parseQuery('x'))?.snippet.length).toBeLessThan(200)
  expect(
    makeSnippet(`a${'\u0301'.repeat(40_000)} y`, parseQuery('y'))?.snippet.length,
  ).toBeLessThan(250)
})

test('a text that lacks one of the phrases has no snippet', () => {
  expect(marked('!?', 'word')).toBeUndefined()
  expect(marked('c and d', 'c:d')).toBeUndefined()
  expect(marked('北。京', '北京')).toBeUndefined()
  expect(marked('rain', 'rain jacket')).toBeUndefined()
})

test('of a text beyond 50 000 characters only the beginning is looked at', () => {
  const filler = 'so '.repeat(20_000)
  expect(marked(`start ${filler}`, 'start')).toStartWith('[start] so')
  expect(marked(`${filler} end`, 'end')).toBeUndefined()
})
