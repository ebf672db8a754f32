import type { Phrase } from './phrases.ts'
import { termsToFind } from './words.ts'

/** Hexadecimal digits of a user's id, all random: enough to keep people apart, few enough to repeat at each word. */
const MARK_LENGTH = 12
/** Enough for 1.6 million partitions of one user. */
const NUMBER_LENGTH = 4
/** Terms of a query that the index is asked for; what more there is, the text of each message found is asked. */
const ASKED_TERMS = 16

/**
 * A term as the index holds it, behind the mark of its owner and the number of their partition: the list of a term's
 * messages, or of a beginning's, is then short, and one person's.
 * @param owner the user's id, with or without hyphens
 */
export function toOwnTerm(owner: string, partition: number, term: string): string {
  return owner.slice(-MARK_LENGTH) + partition.toString(36).padStart(NUMBER_LENGTH, '0') + term
}

/**
 * An FTS5 expression for the messages of a partition that may hold every phrase. Each term is a quoted string, in which
 * FTS5 knows no syntax but `""` (https://sqlite.org/fts5.html, section 3.1), and no term holds a quote.
 */
export function toMatch(owner: string, partition: number, phrases: readonly Phrase[]): string {
  const terms = new Map<string, string>()
  for (const { units, isBeginning } of phrases.toReversed()) {
    const beginning = isBeginning ? units.at(-1) : undefined
    for (const unit of units) {
      for (const term of termsToFind(unit)) terms.set(term, unit === beginning ? ' *' : '')
    }
  }
  return [...terms]
    .slice(0, ASKED_TERMS)
    .map(([term, star]) => `"${toOwnTerm(owner, partition, term)}"${star}`)
    .join(' AND ')
}
