/** What a person or a clipboard puts between or around digits: blanks, dashes, dots and invisible marks. */
const SEPARATORS = /[\p{White_Space}\p{Dash}\p{Cf}\p{M}._·]/gu

/** The digits of a code as it was typed or pasted, in ASCII; undefined where anything else is in it. */
export function readCode(text: string, length: number): string | undefined {
  const digits = toAsciiDigits(text.replaceAll(SEPARATORS, ''))
  return digits.length === length && /^[0-9]*$/.test(digits) ? digits : undefined
}

/** The same text with the decimal digits of every script as ASCII digits. */
export function toAsciiDigits(text: string): string {
  return text.replaceAll(/\p{Nd}/gu, (digit) => String(digitValue(digit.codePointAt(0) ?? 0)))
}

/** Unicode assigns decimal digits in runs of ten, from zero to nine (The Unicode Standard, 4.6). */
function digitValue(codePoint: number): number {
  let first = codePoint
  while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--
  return (codePoint - first) % 10
}
