import { expect, test } from 'bun:test'
import { fold } from '#src/lib/fold.ts'
import { findsIn } from '#src/modules/search/find.ts'
import { toMatch } from '#src/modules/search/match.ts'
import { parseQuery } from '#src/modules/search/phrases.ts'
import { termsOf, unitsOf, walkUnits } from '#src/modules/search/words.ts'

const shown = (text: string) =>
  unitsOf(text).map(({ text: unit, isRun }) => (isRun ? `${unit}~` : unit))

test('a text is cut into words, runs of scripts without spaces, flags and pictographs', () => {
  expect(shown('iPhone用のケース v2')).toEqual(['iphone', '用のケース~', 'v2'])
  expect(shown('node.js, don’t foo_bar l’été')).toEqual([
    'node',
    'js',
    'don',
    't',
    'foo',
    'bar',
    'l',
    'ete',
  ])
  expect(shown('hi😀🇩🇪🇫🇷👨‍👩‍👧')).toEqual(['hi', '😀', '🇩🇪', '🇫🇷', '👨', '👩', '👧'])
  expect(shown('ไปเชียงใหม่ 서울에서 हिन्दी')).toEqual([
    'ไปเชียงใหม่~',
    ...['서울에서', 'हिन्दी'].map(fold),
  ])
  expect(shown('!? … “”')).toEqual([])
})

test('the words are those of Intl.Segmenter, cut further at punctuation, in scripts with spaces', () => {
  const segmenter = new Intl.Segmenter('und', { granularity: 'word' })
  const texts = [
    'The “quick” (brown) fox can’t jump 32.3 feet, right? e.g. U.S.A. 3,456.789 user@example.org',
    'Съешь же ещё этих мягких французских булок, да выпей чаю.',
    'Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. هل تعرف مُحَمَّدًا؟ می‌خواهم بروم. דג סקרן שט בים מאוכזב',
    'वह हिन्दी बोलता है। আমি বাংলায় গান গাই। நான் தமிழ் பேசுகிறேன். తెలుగు మాట్లాడతాను. ಕನ್ನಡ മലയാളം',
    'ქართული ენა. Հայերեն լեզու։ አማርኛ ቋንቋ። 다람쥐 헌 쳇바퀴에 타고파. བོད་ཡིག Çok güzel İstanbul’da ﬁnance',
  ]
  for (const text of texts) {
    const folded = fold(text)
    const segments = [...segmenter.segment(folded)].filter(({ isWordLike }) => isWordLike)
    const words = segments.flatMap(({ segment }) => segment.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [])
    expect(unitsOf(text).map((unit) => unit.text)).toEqual(words)
  }
})

test('the index gets each word once, of a run each character and each pair', () => {
  expect([...termsOf('a b A, b')]).toEqual(['a', 'b'])
  expect([...termsOf('北京北京')]).toEqual(['北', '京', '北京', '京北'])
  expect([...termsOf('𠮷野家')]).toEqual(['𠮷', '野', '𠮷野', '家', '野家'])
})

test('the index gets no more than 8 000 words of a message, 64 characters of a word, 50 000 characters', () => {
  const numbers = Array.from({ length: 12_000 }, (_, at) => at.toString(36)).join(' ')
  expect(termsOf(numbers).size).toBe(8_000)
  const run = String.fromCharCode(
    ...Array.from({ length: 40_000 }, (_, at) => 0x4e00 + ((at * 7_919) % 20_000)),
  )
  expect(termsOf(run).size).toBeLessThan(8_002)
  expect([...termsOf('x'.repeat(10_000))].map((term) => term.length)).toEqual(
    expect.arrayContaining([64]),
  )
  expect(termsOf(`${'a '.repeat(25_000)}beyond`).has('beyond')).toBe(false)
  // A letter that becomes 18.
  expect([...walkUnits('\ufdfa '.repeat(25_000))].length).toBeLessThan(40_000)
})

test('pieces that are folded one by one give the words of the whole text', () => {
  for (const text of ['wörter mit Marken é\u0323 ', '北京，上海；', 'ไทย ลาว ', '👨‍👩‍👧 🇩🇪 ']) {
    const long = text.repeat(Math.floor(20_000 / text.length))
    expect([...walkUnits(long)].map((unit) => unit.text)).toEqual(
      unitsOf(long).map((unit) => unit.text),
    )
  }
})

test('the index is asked for 16 terms at most, of which one may be a beginning', () => {
  const match = toMatch(
    '019a2c5e8d217a118f005d2c7a9e4b10',
    40,
    parseQuery('我想在周末去北京旅游然后回家看父母和朋友们 rain'),
  )
  const terms = match.split(' AND ')
  expect(terms).toHaveLength(16)
  expect(terms[0]).toBe('"5d2c7a9e4b100014rain" *')
  expect(terms[1]).toBe('"5d2c7a9e4b100014我想"')
})

test('of each phrase 200 places are looked at', () => {
  const text = `${'a b '.repeat(1_000)}京${'京'.repeat(1_000)}`
  const count = (q: string) => [...findsIn(text, parseQuery(q))].length
  expect(count('a')).toBe(200)
  expect(count('a b')).toBe(400)
  expect(count('a.b')).toBe(200)
  expect(count('京')).toBe(200)
})
