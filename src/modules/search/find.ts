import type { Phrase } from './phrases.ts'
import { type PlacedUnit, type Unit, walkUnits } from './words.ts'

/** How many places of each phrase are looked at, so that one word a thousand times costs no more than two hundred. */
const PLACES_OF_PHRASE = 200

/** A phrase found in a text. */
export interface Find {
  /** Its number in the query. */
  phrase: number
  /** The part of the text that was folded, and where the phrase begins in the folded part. */
  piece: PlacedUnit['piece']
  at: number
  /** Begin and end (exclusive) in the text; exact where the text is folded already, near it where it is not. */
  from: number
  to: number
}

/** The places of every phrase, in the order of their ends. Lazy: who stops early pays for what was read. */
export function* findsIn(text: string, phrases: readonly Phrase[]): Generator<Find> {
  const longest = Math.max(0, ...phrases.map(({ units }) => units.length))
  const ends = endings(phrases)
  const counts = phrases.map(() => 0)
  /** The latest units, the last one last. */
  const recent: PlacedUnit[] = []
  for (const unit of walkUnits(text)) {
    recent.push(unit)
    if (recent.length > longest) recent.shift()
    for (const number of [...(ends.words.get(unit.text) ?? []), ...ends.others]) {
      const phrase = phrases[number]
      let count = counts[number] ?? 0
      if (!phrase || count === PLACES_OF_PHRASE) continue
      for (const [first, at, end] of placesAtEnd(recent, phrase)) {
        yield {
          phrase: number,
          piece: first.piece,
          at: first.at + at,
          from: first.piece[0] + first.at + at,
          to: unit.piece[0] + unit.at + end,
        }
        if (++count === PLACES_OF_PHRASE) break
      }
      counts[number] = count
    }
  }
}

/** The numbers of the phrases, those that end with a whole word by that word. */
function endings(phrases: readonly Phrase[]) {
  const words = new Map<string, number[]>()
  const others: number[] = []
  for (const [number, { units, isBeginning }] of phrases.entries()) {
    const last = units.at(-1)
    if (!last || last.isRun || isBeginning) others.push(number)
    else words.set(last.text, [...(words.get(last.text) ?? []), number])
  }
  return { words, others }
}

/** The unit where a phrase begins that ends in the latest, where in it, and where in the latest it ends. */
function placesAtEnd(
  recent: readonly PlacedUnit[],
  phrase: Phrase,
): Iterable<[PlacedUnit, number, number]> {
  const { units } = phrase
  const start = recent.length - units.length
  const [first, last] = [recent[start], recent.at(-1)]
  const [wantedFirst, wantedLast] = [units[0], units.at(-1)]
  if (!first || !last || !wantedFirst || !wantedLast) return []
  if (units.length === 1 && last.isRun && wantedLast.isRun) {
    return placesInRun(last, wantedLast.text)
  }
  for (let step = units.length - 1; step >= 0; step--) {
    if (!isThere(recent[start + step], phrase, step)) return []
  }
  const at = first.isRun ? first.text.length - wantedFirst.text.length : 0
  return [[first, at, last.isRun ? wantedLast.text.length : last.text.length]]
}

function* placesInRun(run: PlacedUnit, wanted: string): Generator<[PlacedUnit, number, number]> {
  for (let at = run.text.indexOf(wanted); at !== -1; ) {
    yield [run, at, at + wanted.length]
    at = run.text.indexOf(wanted, at + wanted.length)
  }
}

/** A run at the edge of a phrase may reach beyond it, and so may a beginning. */
function isThere(here: Unit | undefined, { units, isBeginning }: Phrase, step: number): boolean {
  const wanted = units[step]
  if (!here || !wanted || here.isRun !== wanted.isRun) return false
  if (step === units.length - 1 && (isBeginning || wanted.isRun)) {
    return here.text.startsWith(wanted.text)
  }
  if (step === 0 && wanted.isRun) return here.text.endsWith(wanted.text)
  return here.text === wanted.text
}
