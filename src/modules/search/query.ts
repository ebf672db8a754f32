/** Words beyond these narrow the result no further. */
const MAX_WORDS = 32

/**
 * An FTS5 expression that finds the user's messages holding every word, the last as a beginning; undefined
 * where the text holds no word at all. Each piece is a quoted string, in which FTS5 knows no syntax but `""`
 * (https://sqlite.org/fts5.html, section 3.1), so whatever a person types is only text.
 */
export function toMatch(owner: string, text: string): string | undefined {
  const pieces = text
    .split(/[\s\0]+/)
    .filter((piece) => /[\p{L}\p{N}]/u.test(piece))
    .slice(0, MAX_WORDS)
  if (pieces.length === 0) return undefined
  const quoted = pieces.map((piece) => `"${piece.replaceAll('"', '""')}"`)
  return `{owner} : "${owner}" AND {content} : (${quoted.join(' AND ')} *)`
}

/** Noncharacters of Unicode, between which SQLite puts a word that was found. */
export const MARK_START = '\uFDD0'
export const MARK_END = '\uFDD1'

/** Takes the marks out of a snippet and says where they were. */
export function readMarks(marked: string): { snippet: string; highlights: [number, number][] } {
  const highlights: [number, number][] = []
  let snippet = ''
  for (const part of marked.split(MARK_START)) {
    const end = part.indexOf(MARK_END)
    if (end < 0) {
      snippet += part
      continue
    }
    highlights.push([snippet.length, snippet.length + end])
    snippet += part.slice(0, end) + part.slice(end + 1)
  }
  return { snippet, highlights }
}
