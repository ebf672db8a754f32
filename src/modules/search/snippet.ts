import { fold, foldWithPlaces, nextCharacter } from '#src/lib/fold.ts'
import { type Find, findsIn } from './find.ts'
import type { Phrase } from './phrases.ts'

/** Characters (UTF-16 code units) of a snippet, beside the phrase itself, and how many of them come before it. */
const SNIPPET_LENGTH = 160
const LENGTH_BEFORE = 40
/** Phrases found so close to each other fit into one snippet. */
const CLOSE = SNIPPET_LENGTH - LENGTH_BEFORE
/** Characters folded at once while an index into a folded text is looked up in the original. */
const STEP = 256

export interface Snippet {
  snippet: string
  /** From and to (exclusive) of each phrase found, in UTF-16 code units of the snippet. */
  highlights: [number, number][]
}

/** The part of a text where most of the phrases are, with their places; undefined where one of them is not in it. */
export function makeSnippet(text: string, phrases: readonly Phrase[]): Snippet | undefined {
  const found = locate(text, phrases)
  if (!found) return undefined
  const length = SNIPPET_LENGTH + longestOf(phrases)
  const start = originalPlace(text, found.piece, found.at)
  const from = text.length <= length ? 0 : beginBefore(text, start)
  const to = text.length <= from + length ? text.length : endBefore(text, start, from + length)
  const shown = text.slice(from, to)
  const before = from === 0 ? '' : '…'
  return {
    snippet: `${before}${shown}${to === text.length ? '' : '…'}`,
    highlights: highlightsIn(shown, phrases, before.length),
  }
}

/** Where in the text the most different phrases are close to each other; the first such place. */
function locate(text: string, phrases: readonly Phrase[]): Find | undefined {
  const seen = new Set<number>()
  const close: Find[] = []
  const counts = phrases.map(() => 0)
  let first = 0
  let different = 0
  let best: { find: Find; different: number } | undefined
  const count = (find: Find, by: 1 | -1) => {
    const before = counts[find.phrase] ?? 0
    counts[find.phrase] = before + by
    if (before === 0 && by === 1) different++
    if (before === 1 && by === -1) different--
  }
  for (const find of findsIn(text, phrases)) {
    seen.add(find.phrase)
    close.push(find)
    count(find, 1)
    for (let oldest = close[first]; oldest; oldest = close[++first]) {
      if (find.from - oldest.from <= CLOSE) break
      count(oldest, -1)
    }
    if (best === undefined || different > best.different) {
      best = { find: close[first] ?? find, different }
    }
    if (different === phrases.length) break
  }
  return seen.size === phrases.length ? best?.find : undefined
}

function longestOf(phrases: readonly Phrase[]): number {
  const lengths = phrases.map(({ units }) => units.reduce((sum, { text }) => sum + text.length, 0))
  return Math.max(0, ...lengths)
}

/** The index in the text of what is at `at` in the folded piece. */
function originalPlace(text: string, [begin, end]: Find['piece'], at: number): number {
  let left = at
  for (let from = begin; from < end; ) {
    const to = Math.min(end, nextCharacter(text, from + STEP))
    const { length } = fold(text.slice(from, to))
    if (left < length) return from + foldWithPlaces(text.slice(from, to)).startOf(left)
    left -= length
    from = to
  }
  return end
}

/** A little before `start`, at the beginning of a word where there is one. */
function beginBefore(text: string, start: number): number {
  const from = Math.max(0, start - LENGTH_BEFORE)
  if (from === 0) return 0
  const space = text.slice(from, start).search(/\s/)
  return space === -1 ? Math.min(start, nextCharacter(text, from)) : from + space + 1
}

/** At most `to`, at the end of a word where there is one behind `start`. */
function endBefore(text: string, start: number, to: number): number {
  const length = text.slice(start, to).search(/\s\S*$/)
  return length > 0 ? start + length : nextCharacter(text, to)
}

function highlightsIn(text: string, phrases: readonly Phrase[], shift: number): [number, number][] {
  const { folded, startOf, endOf } = foldWithPlaces(text)
  // Folding a folded text changes nothing, so the places are exact.
  const places = [...findsIn(folded, phrases)]
    .map(({ from, to }): [number, number] => [startOf(from) + shift, endOf(to) + shift])
    .sort(([a, aEnd], [b, bEnd]) => a - b || bEnd - aEnd)
  let past = 0
  return places.filter(([from, to]) => {
    if (from < past) return false
    past = to
    return true
  })
}
