/**
 * The best of `known` for an Accept-Language header (RFC 9110, 12.5.4; lookup of RFC 4647, 3.4); the first of `known`
 * where none is acceptable. Only the first ten ranges are read.
 * @param known language tags in lower case
 */
export function preferredLanguage(header: string | null, known: readonly string[]): string {
  const ranges = (header ?? '').slice(0, 500).split(',').slice(0, 10).map(readRange)
  const wanted = ranges
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
  for (const { tag } of wanted) {
    const found = lookUp(tag, known)
    if (found !== undefined) return found
  }
  return known[0] ?? ''
}

function readRange(text: string): { tag: string; weight: number } {
  const [tag = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  return { tag, weight: weight === undefined ? 1 : Number(weight) || 0 }
}

/** Shortens the tag from its end until it is known: `pt-BR` is `pt`. */
function lookUp(tag: string, known: readonly string[]): string | undefined {
  const parts = tag.split('-')
  for (let length = parts.length; length > 0; length--) {
    const shorter = parts.slice(0, length).join('-')
    if (known.includes(shorter)) return shorter
  }
  return undefined
}
