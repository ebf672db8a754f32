/**
 * Control characters (C0, DEL, C1), separators of lines and paragraphs, and those that reorder the text around them (the bidirectional embeddings, overrides
 * and isolates of UAX #9): in a name or a title they can only mislead who reads it. Marks that affect nothing but
 * themselves, as U+200E, are needed in mixed scripts and stay. As the inside of a character class.
 */
const MISLEADING = '\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069'

/**
 * What shows nothing by itself: default ignorable code points of Unicode, fillers of Hangul and the empty cell of Braille.
 * Of those beyond U+FFFF, which a pattern sees as two units, the first unit of the tags and the second one of any.
 */
const WITHOUT_GLYPH =
  '\\udc00-\\udfff\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8\\udb40'

/** A JSON Schema pattern: one line that shows something, without misleading characters. */
export const PLAIN_LINE = `^[^${MISLEADING}]*[^\\s${MISLEADING}${WITHOUT_GLYPH}][^${MISLEADING}]*$`

/** A JSON Schema pattern for a longer text: tabs and line breaks are allowed, other control characters are not. */
export const PLAIN_TEXT = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$'

const EACH = new RegExp(`[${MISLEADING}]+`, 'g')

/** One line of a text that cannot be refused, as a model or a browser wrote it: each run of such characters is a blank. */
export function toPlainLine(text: string): string {
  return text.replaceAll(EACH, ' ').trim()
}
