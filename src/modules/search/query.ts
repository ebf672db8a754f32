import { toOwnWords } from './words.ts'

/** Words beyond these narrow the result no further. */
const MAX_WORDS = 32

/** What a person typed, cut at spaces; pieces without a letter or digit say nothing. */
export function piecesOf(text: string): string[] {
  return text
    .split(/[\s\0]+/)
    .filter((piece) => /[\p{L}\p{N}]/u.test(piece))
    .slice(0, MAX_WORDS)
}

/**
 * An FTS5 expression that finds the user's messages holding every word, the last as a beginning; undefined
 * where the text holds no word at all. Each piece is a quoted string, in which FTS5 knows no syntax but `""`
 * (https://sqlite.org/fts5.html, section 3.1), so whatever a person types is only text.
 */
export function toMatch(userId: string, text: string): string | undefined {
  const pieces = piecesOf(text)
  if (pieces.length === 0) return undefined
  const quoted = pieces.map((piece) => `"${toOwnWords(userId, piece).replaceAll('"', '""')}"`)
  return `${quoted.join(' AND ')} *`
}
