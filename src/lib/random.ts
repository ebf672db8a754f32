import { randomInt } from 'node:crypto'

/** Randomness as the program sees it: cryptographic in production, seeded in tests. */
export interface Random {
  bytes(length: number): Uint8Array
  /** A whole number, 0 ≤ n < `below`, without modulo bias. */
  int(below: number): number
  /** A UUIDv7 (RFC 9562) of the instant `at`; ids made in one process rise. */
  id(at: number): string
}

export const systemRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  int: (below) => randomInt(below),
  id: (at) => Bun.randomUUIDv7('hex', at),
}
