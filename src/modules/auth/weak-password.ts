import { fold } from '#src/lib/fold.ts'

/** A shorter word is in too many good passwords. */
const SHORTEST_WORD = 4
/** Digits and signs around one common word that make it no harder to guess, such as `2024!`. */
const LONGEST_AFFIX = 6
/** Different characters that a password needs at least. */
const LEAST_CHARACTERS = 4
/** A repeated unit of so few characters is a pattern by itself. */
const SHORTEST_UNIT = 5

/** Letters that look like digits and signs; `1` and `!` are read both ways. */
const LOOKALIKES: Record<string, string> = {
  ...{ '0': 'o', '1': 'i', '!': 'i', '2': 'z', '3': 'e', '4': 'a', '@': 'a', '5': 's', $: 's' },
  ...{ '6': 'g', '7': 't', '+': 't', '8': 'b', '9': 'g', '|': 'l', '(': 'c', '€': 'e' },
}

interface Known {
  words: ReadonlySet<string>
  /** Two characters whose keys touch, or are the same key. */
  neighbours: ReadonlySet<string>
}

/**
 * Whether a password is among those that guessing starts with: a common one, a common word with digits and signs around
 * it or written with lookalikes, a repetition, a sequence, or a walk on the keyboard. The lists and keyboards are those
 * of zxcvbn-ts; its estimator takes up to half a second of the event loop for 128 characters. This takes less than a
 * millisecond.
 */
export async function isWeak(password: string): Promise<boolean> {
  const { words, neighbours } = await load()
  const isWord = (text: string) => isCommon(text, words)
  const isPattern = (text: string) => isWord(text) || isWalk(text, neighbours) || isDate(text)
  const text = fold(password).normalize('NFKC')
  const plain = text.replaceAll(/[^\p{L}\p{N}]/gu, '')
  const letters = text.replaceAll(/[^\p{L}]/gu, '')
  const forms = [text, plain]
  // `password1password2` is `passwordpassword` with digits in it.
  if (text.length - letters.length <= LONGEST_AFFIX) forms.push(letters)
  return (
    new Set(text).size < LEAST_CHARACTERS ||
    isPattern(text) ||
    isPattern(withoutDoubles(text)) ||
    forms.some((form) => {
      const unit = unitOf(form)
      const isRepeated = unit.length < form.length
      const isWeakUnit = isRepeated && (unit.length < SHORTEST_UNIT || isPattern(unit))
      return isWeakUnit || isWord(form) || isWord([...form].reverse().join(''))
    })
  )
}

/** A common word, as it is or with lookalikes, alone or between a few digits and signs. */
function isCommon(text: string, words: ReadonlySet<string>): boolean {
  const leading = /^[^\p{L}]*/u.exec(text)?.[0].length ?? 0
  const trailing = /[^\p{L}]*$/u.exec(text)?.[0].length ?? 0
  for (let before = 0; before <= Math.min(leading, LONGEST_AFFIX); before++) {
    for (let behind = 0; behind <= Math.min(trailing, LONGEST_AFFIX - before); behind++) {
      const core = text.slice(before, text.length - behind)
      if (core.length < SHORTEST_WORD) break
      const read = core.replaceAll(/[^\p{L}]/gu, (sign) => LOOKALIKES[sign] ?? sign)
      const otherwise = core
        .replaceAll(/[1!]/g, 'l')
        .replaceAll(/[^\p{L}]/gu, (sign) => LOOKALIKES[sign] ?? sign)
      if (words.has(core) || words.has(read) || words.has(otherwise)) return true
    }
  }
  return false
}

/** At least two of three steps go to the same, the next or the previous character, or to a touching key. */
function isWalk(text: string, neighbours: ReadonlySet<string>): boolean {
  const characters = [...text]
  let leaps = 0
  for (let at = 1; at < characters.length; at++) {
    const [from = '', to = ''] = [characters[at - 1], characters[at]]
    const step = (to.codePointAt(0) ?? 0) - (from.codePointAt(0) ?? 0)
    if (Math.abs(step) > 1 && !neighbours.has(from + to)) leaps++
  }
  return characters.length > 1 && leaps * 3 <= characters.length - 1
}

/** Eight digits that begin or end with a year of the last or this century. */
function isDate(text: string): boolean {
  return /^(?:(?:19|20)\d{6}|\d{4}(?:19|20)\d{2})$/.test(text)
}

/** The shortest beginning that gives the whole text when it is repeated, its last time perhaps in part. */
function unitOf(text: string): string {
  const characters = [...text]
  const { length } = characters
  for (let period = 1; period <= length / 2; period++) {
    if (characters.every((one, at) => at < period || one === characters[at - period])) {
      return characters.slice(0, period).join('')
    }
  }
  return text
}

/** `112233` as `123`. */
function withoutDoubles(text: string): string {
  return text.replaceAll(/(.)\1+/gsu, '$1')
}

let known: Promise<Known> | undefined

/** Loaded with the first password that is set: a server without sign-ups does not need 50 000 words. */
function load(): Promise<Known> {
  // The promise is kept, not its result: of 200 requests at once each would otherwise build the lists.
  known ??= read()
  return known
}

async function read(): Promise<Known> {
  const { dictionary, adjacencyGraphs } = await import('@zxcvbn-ts/language-common')
  const lists = [dictionary['passwords-common'], dictionary['diceware-common']]
  const words = lists.flat().filter((word) => word.length >= SHORTEST_WORD)
  const neighbours = new Set<string>()
  for (const [key, keys] of Object.entries(adjacencyGraphs['qwerty'])) {
    for (const other of keys) for (const sign of other ?? '') neighbours.add(key + sign)
  }
  return { words: new Set([...words.map((word) => word.toLowerCase()), 'pollux']), neighbours }
}
