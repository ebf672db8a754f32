import type { FieldError } from '#src/lib/problem.ts'

/** How many faults of a request are told. */
export const SHOWN_ERRORS = 20

/** Characters of a pointer; the longest of the API has 40. */
const LONGEST_POINTER = 200

/** Values of a JSON body, and fields of a form or a query string; no route takes more than ten. */
export const MAX_VALUES = 500

export function tooManyValues(): FieldError {
  return { pointer: '', detail: `must have at most ${MAX_VALUES} values` }
}

/** Levels of a body; what the API takes has one. */
const DEEPEST = 32

/**
 * The fields of a form or a query string (WHATWG URL, 5.1), and what is wrong with them. The standard puts U+FFFD where
 * bytes are no UTF-8 and keeps a name given twice; both are faults here.
 */
export function parseFields(text: string): {
  fields: Record<string, string>
  errors: FieldError[]
} {
  const fields: Record<string, string> = Object.create(null)
  const errors: FieldError[] = []
  // One more than allowed, so that the rest of a long text costs nothing.
  const pairs = text.split('&', MAX_VALUES + 1)
  if (pairs.length > MAX_VALUES) return { fields: {}, errors: [tooManyValues()] }
  for (const pair of pairs) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = decodePart(at === -1 ? pair : pair.slice(0, at))
    const value = decodePart(at === -1 ? '' : pair.slice(at + 1))
    if (name === undefined) errors.push({ pointer: '', detail: 'names must be valid UTF-8' })
    else if (name in fields) errors.push({ pointer: below('', name), detail: 'must be given once' })
    else {
      fields[name] = value ?? ''
      if (value === undefined)
        errors.push({ pointer: below('', name), detail: 'must be valid UTF-8' })
    }
  }
  return { fields: { ...fields }, errors: [...errors, ...unfit(fields)].slice(0, SHOWN_ERRORS) }
}

/** A percent sign that escapes nothing stays one. */
function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' ').replaceAll(/%(?![0-9a-f]{2})/gi, '%25'))
  } catch {
    return undefined
  }
}

/**
 * What no schema tells: names and texts that no database and no other program can be handed, and nesting beyond all use,
 * which is what Elysia puts a refused value into words for, at a cost that is the square of it. Without recursion.
 */
export function unfit(root: unknown): FieldError[] {
  const errors: FieldError[] = []
  const rest = [{ at: '', value: root, depth: 0 }]
  for (let next = rest.pop(); next && errors.length < SHOWN_ERRORS; next = rest.pop()) {
    const { at, value, depth } = next
    if (typeof value === 'string' && !isText(value)) {
      errors.push({ pointer: at, detail: 'must not hold NUL characters or lone surrogates' })
    }
    if (typeof value !== 'object' || value === null) continue
    if (depth === DEEPEST) {
      errors.push({ pointer: at, detail: `must not be nested more than ${DEEPEST} deep` })
      continue
    }
    for (const [name, member] of Object.entries(value).reverse()) {
      rest.push({ at: below(at, name), value: isText(name) ? member : name, depth: depth + 1 })
    }
  }
  return errors
}

function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** A JSON pointer (RFC 6901) one level down, fit to be told. */
function below(at: string, name: string): string {
  return tellable(`${at}/${shorten(name).replaceAll('~', '~0').replaceAll('/', '~1')}`)
}

/**
 * The beginning of a pointer, without what cannot be handed to others. Twenty pointers through names of the whole body
 * would make 2 MB of 64 KB.
 */
export function tellable(text: string): string {
  return shorten(text).toWellFormed().replaceAll('\0', '\ufffd')
}

function shorten(text: string): string {
  return text.length > LONGEST_POINTER ? `${text.slice(0, LONGEST_POINTER)}…` : text
}
