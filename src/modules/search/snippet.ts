import { piecesOf } from './query.ts'
import { type Word, wordsOf } from './words.ts'

/** Words of a snippet, and how many of them stand before the first that was found. */
const SNIPPET_WORDS = 24
const WORDS_BEFORE = 4
/** Of a longer text only the beginning is looked at: a page of hits must not hold everybody up. */
const LOOKED_AT = 50_000

export interface Snippet {
  snippet: string
  /** From and to (exclusive) of each word found, in UTF-16 code units of the snippet. */
  highlights: [number, number][]
}

/** The part of a text where most of the words asked for are, with their places. */
export function makeSnippet(text: string, asked: string): Snippet {
  const words = wordsOf(text.slice(0, LOOKED_AT))
  const finds = findPhrases(words, asked)
  const best = bestStart(finds, words.length)
  const shown = words.slice(best, best + SNIPPET_WORDS)
  const [first, last] = [shown[0], shown.at(-1)]
  if (!first || !last) return { snippet: text.slice(0, LOOKED_AT), highlights: [] }
  const isWhole = last === words.at(-1) && text.length <= LOOKED_AT
  const from = best === 0 ? 0 : first.from
  const to = isWhole ? text.length : last.to
  const before = best === 0 ? '' : '…'
  const shift = before.length - from
  const highlights = finds
    .map(({ at, length }) => ({ from: words[at]?.from ?? 0, to: words[at + length - 1]?.to ?? 0 }))
    .filter((found) => found.from >= from && found.to <= to)
    .map((found): [number, number] => [found.from + shift, found.to + shift])
  return { snippet: `${before}${text.slice(from, to)}${isWhole ? '' : '…'}`, highlights }
}

interface Find {
  phrase: number
  /** Place of its first word in the text, and how many words it has. */
  at: number
  length: number
}

/** Where the pieces of the question are; the last word of all may be a beginning. In the order of the text. */
function findPhrases(words: Word[], asked: string): Find[] {
  const phrases = piecesOf(asked).map((piece) => wordsOf(piece).map(({ folded }) => folded))
  const finds: Find[] = []
  let past = 0
  for (let at = 0; at < words.length; at++) {
    const phrase = phrases.findIndex((wanted, number) =>
      wanted.every((word, step) => {
        const here = words[at + step]?.folded
        const mayGoOn = number === phrases.length - 1 && step === wanted.length - 1
        return mayGoOn ? here?.startsWith(word) : here === word
      }),
    )
    const length = phrases[phrase]?.length ?? 0
    if (length === 0 || at < past) continue
    finds.push({ phrase, at, length })
    past = at + length
  }
  return finds
}

/** The word with which the snippet begins that holds most different phrases; the earliest of them. */
function bestStart(finds: Find[], count: number): number {
  let best = { start: 0, phrases: 0 }
  finds.forEach((first, from) => {
    const within = new Set<number>()
    for (let next = from; next < finds.length; next++) {
      const find = finds[next]
      if (!find || find.at + find.length > first.at + SNIPPET_WORDS - WORDS_BEFORE) break
      within.add(find.phrase)
    }
    if (within.size > best.phrases) best = { start: first.at - WORDS_BEFORE, phrases: within.size }
  })
  return Math.max(0, Math.min(best.start, count - SNIPPET_WORDS))
}
