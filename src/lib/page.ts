import { timingSafeEqual } from 'node:crypto'
import { Problem } from './problem.ts'

export const DEFAULT_LIMIT = 50

export interface Page<T> {
  items: T[]
  /** Opaque; null on the last page. */
  nextCursor: string | null
}

type Key = (string | number)[]

/** Keyset cursors: sealed, so that a forged one or another list's is told from a real one. */
export interface Cursors {
  /** `list` names the list with everything that shapes it: the user, the filter, the order. */
  encode(list: string, key: Key): string
  /** @throws Problem 400 `invalid-cursor` */
  decode(list: string, cursor: string): Key
}

const SEAL_BYTES = 12

export function createCursors(key: Uint8Array): Cursors {
  const seal = (list: string, payload: string) =>
    new Bun.CryptoHasher('sha256', key)
      .update(`${list}\n${payload}`)
      .digest()
      .subarray(0, SEAL_BYTES)
  return {
    encode(list, values) {
      const payload = JSON.stringify(values)
      return Buffer.concat([seal(list, payload), Buffer.from(payload)]).toString('base64url')
    },
    decode(list, cursor) {
      const bytes = Buffer.from(cursor, 'base64url')
      const payload = bytes.subarray(SEAL_BYTES).toString()
      const given = bytes.subarray(0, SEAL_BYTES)
      const canonical = bytes.toString('base64url') === cursor
      if (canonical && given.length === SEAL_BYTES && timingSafeEqual(given, seal(list, payload))) {
        // The seal proves that `encode` wrote it.
        return JSON.parse(payload) as Key
      }
      throw new Problem(
        400,
        'invalid-cursor',
        'This cursor is not one of this list. Start from its first page.',
      )
    },
  }
}

/** Cuts a list fetched with one row too many into a page. */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(toItem),
    nextCursor: rows.length > limit && last ? cursorOf(last) : null,
  }
}
