import { invalid } from '#src/lib/problem.ts'
import { type Unit, unitsOf } from './words.ts'

/** Words of a query, and of them as many without a space between, such as `a:b`. A run of Chinese or Thai is one. */
const WORDS = 16
const WORDS_OF_PHRASE = 8

/** What stands between two spaces: words that have to follow each other in the message. */
export interface Phrase {
  units: readonly Unit[]
  /** Whether its last word may be the beginning of a longer one. */
  isBeginning: boolean
}

/**
 * The phrases to find, each once; none where the text holds no word. There is no syntax: quotes and operators separate
 * words like all punctuation.
 * @throws Problem 422 where there are more words than a search may cost
 */
export function parseQuery(text: string): Phrase[] {
  const pieces = new Map<string, Unit[]>()
  for (const piece of text.split(/\s+/)) {
    const units = unitsOf(piece)
    const name = units.map((unit) => unit.text).join(' ')
    // At the end, as the last phrase is the one that a person may still be typing.
    pieces.delete(name)
    if (units.length > 0) pieces.set(name, units)
  }
  const phrases = [...pieces.values()]
  const longest = Math.max(0, ...phrases.map((units) => units.length))
  if (phrases.flat().length > WORDS || longest > WORDS_OF_PHRASE) {
    throw invalid({
      pointer: '/q',
      detail: `must hold at most ${WORDS} words, of them at most ${WORDS_OF_PHRASE} without a space between`,
    })
  }
  return phrases.map((units, at) => ({
    units,
    isBeginning: at === phrases.length - 1 && isSpelled(units.at(-1)),
  }))
}

/** Neither a run, which is found anywhere, nor a pictograph. */
function isSpelled(unit: Unit | undefined): boolean {
  return unit !== undefined && !unit.isRun && /^[\p{L}\p{N}\p{M}]/u.test(unit.text)
}
