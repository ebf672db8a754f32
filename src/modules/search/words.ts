import { fold, nextCharacter } from '#src/lib/fold.ts'

/** Scripts written without spaces between words. A word is found anywhere in a run of them. */
const UNSPACED = [
  'Han',
  'Hiragana',
  'Katakana',
  'Bopomofo',
  'Thai',
  'Lao',
  'Khmer',
  'Myanmar',
  'Tai_Tham',
  'New_Tai_Lue',
  'Tai_Le',
  'Tai_Viet',
  'Javanese',
  'Balinese',
  'Yi',
]
  // With extensions: the long mark of kana and the repetition mark of Han belong to no single script.
  .map((script) => String.raw`\p{Script_Extensions=${script}}`)
  .join('')
const IN_WORDS = String.raw`\p{L}\p{M}\p{N}`

/**
 * One after the other in a folded text: a run of a script without spaces; a word of any other; a flag or a pictograph.
 * These are the words of UAX #29 as `Intl.Segmenter` finds them, except that punctuation always ends one (so `node.js`
 * is found by `js`) and that its dictionaries are not asked: they cut the same words differently in another sentence.
 */
const UNITS = new RegExp(
  String.raw`(?<run>[[${IN_WORDS}]&&[${UNSPACED}]]+)|[[${IN_WORDS}]--[${UNSPACED}]]+|\p{RI}{2}|\p{Extended_Pictographic}`,
  'gv',
)
const RUN = new RegExp(`^[[${IN_WORDS}]&&[${UNSPACED}]]`, 'v')
/** Where a text can be cut without cutting a word, a flag or a letter from its marks. */
const BETWEEN = /[\p{Z}\p{P}\p{Cc}]/u

/** Of a message only so much is searched, in UTF-16 code units. A prompt has at most 32 000 characters. */
export const SEARCHED_LENGTH = 50_000
/** Of a message only so many different words (of runs: pairs of characters) are in the index. */
const TERMS_OF_MESSAGE = 8_000
/** Of a word only the beginning is in the index. */
const TERM_LENGTH = 64
/** Characters of a message that are folded at once. */
const PIECE_LENGTH = 1_024

export interface Unit {
  text: string
  /** Found anywhere in a run of the text; a word or a pictograph is only found whole. */
  isRun: boolean
}

/** The words of a text as a person types it into a search. */
export function unitsOf(text: string): Unit[] {
  return (fold(text).match(UNITS) ?? []).map((unit) => ({ text: unit, isRun: RUN.test(unit) }))
}

/** What the index holds of a message: each word once; of a run, each character and each pair of neighbours. */
export function termsOf(text: string): Set<string> {
  const terms = new Set<string>()
  const pairs = new Set<number>()
  for (const { folded } of foldedPieces(text)) {
    for (const unit of folded.match(UNITS) ?? []) {
      if (terms.size >= TERMS_OF_MESSAGE) return terms
      addTerms(terms, unit, RUN.test(unit), pairs)
    }
  }
  return terms
}

/** What the index is asked for: of a run only the pairs, which say more than its characters. */
export function termsToFind({ text, isRun }: Unit): string[] {
  const terms = new Set<string>()
  addTerms(terms, text, isRun, new Set())
  const pairs = [...terms].filter((term) => [...term].length > 1)
  return isRun && pairs.length > 0 ? pairs : [...terms]
}

/** @param pairs of the run's characters that are in it already, by their code points: strings take three times as long */
function addTerms(terms: Set<string>, unit: string, isRun: boolean, pairs: Set<number>): void {
  if (!isRun) {
    terms.add(unit.slice(0, TERM_LENGTH))
    return
  }
  let before = 0
  for (let at = 0; at < unit.length && terms.size < TERMS_OF_MESSAGE; ) {
    const code = unit.codePointAt(at) ?? 0
    const pair = before * 0x20_0000 + code
    if (!pairs.has(pair)) {
      pairs.add(pair)
      const character = String.fromCodePoint(code)
      terms.add(character)
      if (before > 0) terms.add(String.fromCodePoint(before) + character)
    }
    before = code
    at += code > 0xffff ? 2 : 1
  }
}

/** A unit of a text, and where it is. */
export interface PlacedUnit {
  text: string
  isRun: boolean
  /** Where it begins in the folded piece. */
  at: number
  /** The part of the text that was folded, from and to, in UTF-16 code units. */
  piece: readonly [number, number]
}

/** The units of a text in their order, folded piece by piece, so that a reader who stops early pays for little. */
export function* walkUnits(text: string): Generator<PlacedUnit> {
  for (const { folded, piece } of foldedPieces(text)) {
    for (const { 0: unit, index, groups } of folded.matchAll(UNITS)) {
      yield { text: unit, isRun: groups?.['run'] !== undefined, at: index, piece }
    }
  }
}

/** The part of a message that is searched. */
function* foldedPieces(text: string): Generator<{ folded: string; piece: PlacedUnit['piece'] }> {
  const length = Math.min(text.length, SEARCHED_LENGTH)
  let total = 0
  for (let from = 0; from < length && total < SEARCHED_LENGTH * 2; ) {
    const to = Math.min(length, nextCut(text, from + PIECE_LENGTH))
    const folded = fold(text.slice(from, to))
    yield { folded, piece: [from, to] }
    // A single letter can become 18: U+FDFA.
    total += folded.length
    from = to
  }
}

/** Where the word at `from` ends, unless it is endless. */
function nextCut(text: string, from: number): number {
  const space = text.slice(from, from + PIECE_LENGTH).search(BETWEEN)
  return nextCharacter(text, from + (space === -1 ? PIECE_LENGTH : space))
}
