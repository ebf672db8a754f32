/**
 * What a terminal obeys or hides instead of showing it: control characters (C0, DEL, C1), format characters such as
 * the bidirectional overrides, line and paragraph separators, lone surrogates, and other characters without a glyph.
 * Variation selectors stay: emoji consist of them.
 */
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}[\p{Default_Ignorable_Code_Point}--\p{Variation_Selector}]]/gv

/**
 * The text with each such character written as `\u001b`, so that data cannot move the cursor, recolour or reorder
 * what an operator reads (CWE-150). The form is that of JSON, so a JSON text stays the same value. `\n` is escaped too.
 */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, escapeUnits)
}

/** The same for a text of several lines: `\n` stays. Each value inside has been through {@link visible} before. */
export function visibleLines(text: string): string {
  return text.replaceAll(UNSEEN, (character) =>
    character === '\n' ? character : escapeUnits(character),
  )
}

function escapeUnits(character: string): string {
  let escaped = ''
  for (let at = 0; at < character.length; at++) {
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
  }
  return escaped
}
