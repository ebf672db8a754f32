import { describe, expect, test } from 'bun:test'
import { fold, foldWithPlaces } from '#src/lib/fold.ts'

const SAME: [string, string][] = [
  ['Zürich', 'zurich'],
  ['Straße STRASSE ẞ', 'strasse strasse ss'],
  ['ΠΗΝΕΛΌΠΗ Οδός', 'πηνελοπη οδοσ'],
  ['ﬁnance ＡＢＣ１ ½', 'finance abc1 1⁄2'],
  ['İSTANBUL ılık', 'istanbul ilik'],
  ['مُحَمَّد مـحـمـد', 'محمد محمد'],
  ['שָׁלוֹם', 'שלום'],
  ['Đà Nẵng Łódź Ærø', 'da nang lodz aero'],
  ['Ёлка', 'елка'],
  ['ﾗｰﾒﾝ', 'ラーメン'],
  ['می‌خواهم so\u00adft', 'میخواهم soft'],
  ['👍🏽 ❤️', '👍 ❤'],
  ['٢٠٢٦ २०२६ 𝟚𝟘', '2026 2026 20'],
]

describe('fold', () => {
  test.each(SAME)('%s is %s', (text, folded) => {
    expect(fold(text)).toBe(folded)
  })

  test('reads thirty marks on one character and no more', () => {
    const many = `क${'\u093c\u094d'.repeat(15)}`
    expect(fold(`${many}\u094d\u093cख`)).toBe(`${fold(many)}ख`)
    expect(fold(many)).toHaveLength(31)
    const { folded, startOf, endOf } = foldWithPlaces(`${many}${many.slice(1)}ख`)
    expect(folded).toBe(`${fold(many)}ख`)
    expect([startOf(31), endOf(31), endOf(32)]).toEqual([61, 61, 62])
  })

  test('keeps marks that make another word: vowels of India and South-East Asia, voiced kana', () => {
    const words = ['कि', 'की', 'ก้า', 'กา', 'กำ', 'ガラス', 'カラス', 'ကို', 'က']
    expect(new Set(words.map(fold)).size).toBe(words.length)
  })

  test('changes nothing when done again, and treats capitals alike, for every character', () => {
    const faults: string[] = []
    for (let code = 0; code < 0x1_e9_ff; code++) {
      const character = String.fromCodePoint(code)
      const folded = fold(character)
      // U+0345, the iota below a vowel, is a letter of its own in capitals; as a mark it is dropped.
      const hasIota = character.normalize('NFKD').includes('\u0345')
      const others = hasIota ? [] : [character.toUpperCase(), character.toLowerCase()]
      if ([folded, ...others].some((other) => fold(other) !== folded)) faults.push(character)
    }
    expect(faults).toEqual([])
  })

  test('a part of the folded text leads back to whole characters of the original', () => {
    const text = `ẞ1 ﬁ ${SAME.map(([one]) => one).join(' ')}`
    const { folded, startOf, endOf } = foldWithPlaces(text)
    expect(folded).toBe(fold(text))
    for (const word of ['finance', 'strasse', 'πηνελοπη', 'محمد', 'lodz', 'aero', 'istanbul']) {
      const at = folded.indexOf(word)
      expect(fold(text.slice(startOf(at), endOf(at + word.length)))).toBe(word)
    }
    // The second half of ẞ is all of it.
    expect([startOf(1), endOf(1), startOf(2)]).toEqual([0, 1, 1])
  })
})
