import { timingSafeEqual } from 'node:crypto'
import { problem } from './problem.ts'

export const DEFAULT_LIMIT = 50

export interface Page<T> {
  items: T[]
  /** Opaque; null on the last page. */
  nextCursor: string | null
}

/** The types of a key's fields, in their order: what a cursor of this list must hold. */
type Shape = readonly ('number' | 'string')[]

type KeyOf<S extends Shape> = { [I in keyof S]: S[I] extends 'number' ? number : string }

/** One list with everything that shapes it: its name, the user, the filter, the order. */
type List = readonly [name: string, ...shapedBy: string[]]

/** Keyset cursors: sealed, so that the server accepts only cursors that it issued for the same list. */
export interface Cursors {
  encode(list: List, key: readonly (string | number)[]): string
  /** @throws Problem 400 `invalid-cursor` */
  decode<const S extends Shape>(list: List, cursor: string, shape: S): KeyOf<S>
}

const SEAL_BYTES = 12
/** Part of what is sealed: after a change of the format, cursors of the old format are refused. */
const VERSION = 2

export function createCursors(key: Uint8Array): Cursors {
  // A JSON array, so that no part can reach into the next one, whatever characters it holds.
  const seal = (list: List, payload: string) =>
    new Bun.CryptoHasher('sha256', key)
      .update(JSON.stringify([VERSION, list, payload]))
      .digest()
      .subarray(0, SEAL_BYTES)
  return {
    encode(list, values) {
      const payload = JSON.stringify(values)
      return Buffer.concat([seal(list, payload), Buffer.from(payload)]).toString('base64url')
    },
    decode(list, cursor, shape) {
      const bytes = Buffer.from(cursor, 'base64url')
      const payload = bytes.subarray(SEAL_BYTES).toString()
      const given = bytes.subarray(0, SEAL_BYTES)
      const canonical = bytes.toString('base64url') === cursor
      if (canonical && given.length === SEAL_BYTES && timingSafeEqual(given, seal(list, payload))) {
        const values = parseKey(payload)
        if (hasShape(values, shape)) return values
      }
      throw problem('invalid-cursor')
    },
  }
}

function parseKey(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}

/** Checked although the seal is right: a list whose key has changed must not read the cursors of before. */
function hasShape<S extends Shape>(values: unknown, shape: S): values is KeyOf<S> {
  if (!Array.isArray(values) || values.length !== shape.length) return false
  return shape.every((type, at) =>
    type === 'number' ? Number.isSafeInteger(values[at]) : typeof values[at] === 'string',
  )
}

/** Cuts a list fetched with one row too many into a page. */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): Page<Item> {
  return pageOf({ rows: rows.slice(0, limit), hasMore: rows.length > limit }, toItem, cursorOf)
}

/** Turns rows that {@link takeRows} took into a page. */
export function pageOf<Row, Item>(
  { rows, hasMore }: Rows<Row>,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): Page<Item> {
  const last = rows.at(-1)
  return { items: rows.map(toItem), nextCursor: hasMore && last ? cursorOf(last) : null }
}

/** Text on a page, in bytes as JSON writes it. A single row that is larger comes alone, so that nothing is unreachable. */
export const PAGE_TEXT_BYTES = 256 * 1024

/** Text that a stream reads in one turn of the event loop; it sends the text of what has ended twice. */
export const CHANGES_BYTES = 64 * 1024

/** `\u0000`, or three bytes of UTF-8: no UTF-16 code unit takes more. */
const MOST_BYTES_PER_UNIT = 6

/** The rows of one page, and whether the list goes on behind them. */
export interface Rows<Row> {
  rows: Row[]
  hasMore: boolean
}

/**
 * Takes rows while they fit on a page and stops reading at the first that does not, so that a page of long texts
 * costs no more than it returns.
 * @param rows as the database reads them, one by one
 * @param texts what of a row can be long
 * @param limitBytes of these texts together, as JSON writes them
 */
export function takeRows<Row>(
  rows: Iterable<Row>,
  limit: number,
  texts: (row: Row) => readonly (string | null)[],
  limitBytes = PAGE_TEXT_BYTES,
): Rows<Row> {
  const taken: Row[] = []
  // The exact size costs as much as writing the JSON, and short texts never need it.
  let most = 0
  let exact: number | undefined
  for (const row of rows) {
    if (taken.length === limit) return { rows: taken, hasMore: true }
    for (const text of texts(row)) most += (text?.length ?? 0) * MOST_BYTES_PER_UNIT
    if (most > limitBytes) {
      exact ??= taken.reduce((sum, one) => sum + bytesOf(texts(one)), 0)
      exact += bytesOf(texts(row))
      if (exact > limitBytes && taken.length > 0) return { rows: taken, hasMore: true }
    }
    taken.push(row)
  }
  return { rows: taken, hasMore: false }
}

function bytesOf(texts: readonly (string | null)[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text ?? '')), 0)
}
