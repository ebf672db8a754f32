import { fold } from '#src/lib/fold.ts'

/**
 * What SQLite's `unicode61` takes for a word (https://sqlite.org/fts5.html, section 4.3.1): letters and digits, and
 * within it the marks that it takes for diacritics. Another mark ends a word, as in Devanagari.
 */
const DIACRITICS = String.raw`\u0300-\u0304\u0306-\u030C\u030F\u0311\u031B\u0323-\u0328\u032D\u032E\u0330\u0331`
const WORD = new RegExp(String.raw`[\p{L}\p{N}\p{Co}][\p{L}\p{N}\p{Co}${DIACRITICS}]*`, 'gu')

/** Hexadecimal digits of a user's id, all random: enough to keep people apart, few enough to repeat at each word. */
const MARK_LENGTH = 12

/**
 * The text with the mark of its owner before each word, as it is in the search index. A list of one word's
 * messages, or of a beginning's, is then one person's: a search never walks through what others wrote.
 */
export function toOwnWords(userId: string, text: string): string {
  const mark = userId.slice(-MARK_LENGTH)
  return text.replaceAll(WORD, (word) => mark + word)
}

export interface Word {
  folded: string
  from: number
  to: number
}

/** The words of a text in their order, without case and diacritics. */
export function wordsOf(text: string): Word[] {
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => ({
    folded: fold(word),
    from: index,
    to: index + word.length,
  }))
}
