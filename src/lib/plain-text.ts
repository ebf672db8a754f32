/**
 * Control characters (C0, DEL, C1) and those that reorder the text around them (the bidirectional embeddings, overrides
 * and isolates of UAX #9): in a name or a title they can only mislead who reads it. Marks that affect nothing but
 * themselves, as U+200E, are needed in mixed scripts and stay. As the inside of a character class.
 */
const MISLEADING = '\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069'

/** A JSON Schema pattern: one line, not only blanks, without such characters. */
export const PLAIN_LINE = `^[^${MISLEADING}]*[^\\s${MISLEADING}][^${MISLEADING}]*$`

/** A JSON Schema pattern for a longer text: tabs and line breaks are allowed, other control characters are not. */
export const PLAIN_TEXT = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$'

const EACH = new RegExp(`[${MISLEADING}]+`, 'g')

/** One line of a text that cannot be refused, as a model or a browser wrote it: each run of such characters is a blank. */
export function toPlainLine(text: string): string {
  return text.replaceAll(EACH, ' ').trim()
}
