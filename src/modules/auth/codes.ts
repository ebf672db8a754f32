import { timingSafeEqual } from 'node:crypto'
import { MINUTE } from '#src/lib/time.ts'

/** What a code is for. */
export type Purpose = 'login' | 'reset' | 'delete'

export const CODE_LIFE_MS = 5 * MINUTE
export const CODE_TRIES = 5
export const CODE_DIGITS = 6

/** What a code is bound to: it is right nowhere else. */
export interface CodeBinding {
  purpose: Purpose
  challengeId: string
  phone: string
}

/** One-time codes: six digits, of which only a keyed digest is stored. */
export interface Codes {
  make(): string
  digest(binding: CodeBinding, code: string): string
  /** In constant time. */
  matches(binding: CodeBinding, code: string, digest: string): boolean
}

/** @param keys the first makes digests, all are tried, so that keys can rotate */
export function createCodes(
  keys: readonly [Uint8Array, ...Uint8Array[]],
  int: (below: number) => number,
): Codes {
  const digestWith = (
    key: Uint8Array,
    { purpose, challengeId, phone }: CodeBinding,
    code: string,
  ) =>
    new Bun.CryptoHasher('sha256', key)
      .update(JSON.stringify([purpose, challengeId, phone, code]))
      .digest()
  return {
    make: () => String(int(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0'),
    digest: (binding, code) => digestWith(keys[0], binding, code).toHex(),
    matches(binding, code, digest) {
      const known = Buffer.from(digest, 'hex')
      let right = false
      for (const key of keys) {
        const given = digestWith(key, binding, code)
        if (given.length === known.length && timingSafeEqual(given, known)) right = true
      }
      return right
    },
  }
}
