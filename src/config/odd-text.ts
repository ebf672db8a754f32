import { visible } from '#src/lib/visible.ts'

/** What a setting holds: a value for a program, a line of prose or several. Prose may have any punctuation inside. */
export type TextKind = 'value' | 'line' | 'lines'

/** Characters that editors, chat programs and web pages put in place of the ones a person meant. */
const TYPOGRAPHIC =
  /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u2018-\u201f\u2032\u2033\u2039\u203a\u00ab\u00bb\u301d-\u301f\uff02\uff07]/u
/** Nobody sees these, and no setting needs them; U+FFFD is what is left of bytes that are no UTF-8. */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd[\p{Zs}--\u0020][\p{Default_Ignorable_Code_Point}--\p{Variation_Selector}]]/v
/** Joiners belong to emoji and to several scripts; no-break spaces to prose. */
const INVISIBLE_IN_PROSE =
  /[[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]--[\u00ad\u200c\u200d\u200e\u200f\u061c\u{e0020}-\u{e007f}]]\ufffd]/v
const QUOTES: Record<string, string> = {
  '"': '"',
  "'": "'",
  '`': '`',
  '“': '”',
  '‘': '’',
  '«': '»',
}
const NAMES: Record<number, string> = {
  0: 'NUL',
  9: 'tab',
  10: 'line feed',
  13: 'carriage return, which ends the lines of Windows files',
  32: 'blank',
  34: 'quotation mark',
  39: 'apostrophe',
  96: 'backtick',
  160: 'no-break space',
  173: 'soft hyphen',
  8208: 'hyphen',
  8209: 'no-break hyphen',
  8211: 'en dash',
  8212: 'em dash',
  8216: 'opening single quotation mark',
  8217: 'closing single quotation mark',
  8220: 'opening quotation mark',
  8221: 'closing quotation mark',
  8203: 'zero-width space',
  8722: 'minus sign',
  65279: 'byte order mark',
  65533: 'replacement for bytes that are no UTF-8',
}

/**
 * Says which character of a setting is surely not meant, such as `begins with U+0022 (quotation mark)`; undefined
 * where there is none. It quotes nothing else of the text, so it may be shown for a secret.
 * @param secret may begin or end with a single quotation mark, as generated passwords do
 */
export function oddText(
  text: string,
  { kind, secret }: { kind: TextKind; secret: boolean },
): string | undefined {
  const characters = [...text]
  const first = characters[0] ?? ''
  const last = characters.at(-1) ?? ''
  if (/\s|\ufeff/.test(first)) return `begins with ${named(first)}`
  if (/\s|\ufeff/.test(last)) return `ends with ${named(last)}`
  const isQuoted = characters.length > 1 && QUOTES[first] === last
  if (isQuoted && (kind === 'value' || !characters.slice(1, -1).includes(last))) {
    return `is in quotes, ${named(first)}: write it without them`
  }
  if (kind === 'value' && !secret) {
    // Also around one value of a list.
    const quote = /(?:^|,\s*)(["'`])|(["'`])(?=\s*(?:,|$))/.exec(text)
    if (quote) return `has a quote, ${named(quote[1] ?? quote[2] ?? '')}, around a value`
  }
  const found = characters.find((character) => isOdd(character, kind))
  return found === undefined ? undefined : `contains ${named(found)}`
}

function isOdd(character: string, kind: TextKind): boolean {
  if (kind === 'value') return TYPOGRAPHIC.test(character) || INVISIBLE.test(character)
  if (kind === 'lines' && (character === '\n' || character === '\t')) return false
  return INVISIBLE_IN_PROSE.test(character)
}

function named(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  const shown = visible(character) === character && character.trim() !== '' ? character : undefined
  const name = NAMES[code] ?? shown
  return name === undefined ? hex : `${hex} (${name})`
}
