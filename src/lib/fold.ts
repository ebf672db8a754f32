import { toAsciiDigits } from './typed-code.ts'

/**
 * Raised whenever {@link fold} gives another result for any text: what is stored folded (the search index, the titles of
 * rooms) is then made again in the background (src/modules/search/refold.ts).
 */
export const FOLD_VERSION = 2

/** Characters that are not seen (joiners, variation selectors, soft hyphens, bidi controls), the Arabic filler, skin tones. */
const UNSEEN = String.raw`\p{Default_Ignorable_Code_Point}\u0640\p{Emoji_Modifier}`
/**
 * Marks that people leave out when they type: accents, vowel points, harakat. Not the marks of other scripts: in those of
 * India and South-East Asia they are vowels, and a voiced kana is another letter.
 */
const OPTIONAL_MARKS = String.raw`[\p{M}&&[${[
  'Inherited',
  'Latin',
  'Greek',
  'Cyrillic',
  'Hebrew',
  'Arabic',
  'Syriac',
]
  .map((script) => String.raw`\p{Script=${script}}`)
  .join('')}]]--[\u3099\u309a]`
const DROPPED = new RegExp(`[${UNSEEN}[${OPTIONAL_MARKS}]]`, 'gv')
/**
 * More marks on one character than any language writes, with the half-width kana marks that become such. Unicode's
 * Stream-Safe Text Format allows 30 (UAX #15, section 13): sorting marks by class takes the square of their number.
 */
const ENDLESS_MARKS = /(?<kept>[\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu
const OTHER_DIGIT = /[\p{Nd}--[0-9]]/gv
/** Filled as they are met; there are some hundred. */
const DIGITS = new Map<string, string>()
/** Letters with a stroke or a ligature that Unicode does not decompose. ς is σ at the end of a word. */
const LETTERS: Record<string, string> = { ς: 'σ', ø: 'o', ł: 'l', đ: 'd', ħ: 'h', æ: 'ae', œ: 'oe' }
const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g')
const ASCII = /^[\0-\x7f]*$/

/**
 * The text as search compares it, so that 'zurich' finds 'Zürich' and 'strasse' 'Straße': compatibility decomposition
 * (NFKD) without optional marks and unseen characters, full case folding, ASCII digits. Independent of any language, so
 * the Turkish ı, I and İ are all `i`. The fold of two texts one after the other is the fold of both together, unless the
 * second begins with a mark.
 */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  return (
    text
      .replaceAll(ENDLESS_MARKS, '$<kept>')
      .normalize('NFKD')
      .replaceAll(DROPPED, '')
      // Down, for `ẞ` and Cherokee; up, for `ß` and `ı`, which are more letters or others in capitals.
      .toLowerCase()
      .toUpperCase()
      .toLowerCase()
      .replaceAll(LETTER, (letter) => LETTERS[letter] ?? letter)
      .replaceAll(OTHER_DIGIT, toAsciiDigit)
  )
}

function toAsciiDigit(digit: string): string {
  const known = DIGITS.get(digit) ?? toAsciiDigits(digit)
  DIGITS.set(digit, known)
  return known
}

/** What a part of a folded text was before. */
export interface Folded {
  folded: string
  /** Where the character at `index` of the folded text begins in the original, in UTF-16 code units. */
  startOf(index: number): number
  /** Where the character before `index` of the folded text ends in the original. */
  endOf(index: number): number
}

/** {@link fold}, with the way back. For short texts: it folds each character by itself. */
export function foldWithPlaces(text: string): Folded {
  if (ASCII.test(text)) {
    const same = (index: number) => index
    return { folded: text.toLowerCase(), startOf: same, endOf: same }
  }
  let folded = ''
  /** For each code unit of the folded text, from where to where its character was. */
  const starts: number[] = []
  const ends: number[] = []
  for (const { 0: character, index } of text.matchAll(/\P{M}\p{M}*|\p{M}+/gu)) {
    folded += fold(character)
    while (starts.length < folded.length) {
      starts.push(index)
      ends.push(index + character.length)
    }
  }
  return {
    folded,
    startOf: (index) => starts[index] ?? text.length,
    endOf: (index) => ends[index - 1] ?? 0,
  }
}

/** Marks of one character that a cut goes around. */
const MARKS = 16
const CONTINUES = /^[\p{M}\p{Cs}\u200d]/u

/** The first index from `at` on that cuts no character from its marks, of which it may have a few. */
export function nextCharacter(text: string, at: number): number {
  let next = at
  while (next < at + MARKS && CONTINUES.test(text.slice(next, next + 2))) next++
  return next
}
