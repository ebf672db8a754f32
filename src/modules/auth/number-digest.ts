import type { Database } from '#src/database/sqlite/open.ts'
import { command, query } from '#src/database/steps.ts'
import {
  findWithoutDigest,
  setDigest,
  setDigestOfDays,
  setDigestOfNumber,
} from './account-statements.ts'

/** Rows of one commit: a commit of all users would hold up the start, and a crash would repeat it. */
const ROWS_AT_ONCE = 500
const DIGEST_BYTES = 16

/**
 * Digests of a number by each key, the present one first. The digest is stored with the user when the row is made
 * and outlives the account in the day's quota, so that it cannot be looked up without the key.
 */
export type NumberDigests = (phone: string) => readonly [string, ...string[]]

export function createNumberDigests(keys: readonly [Uint8Array, ...Uint8Array[]]): NumberDigests {
  const [key, ...previous] = keys
  return (phone) => [digest(key, phone), ...previous.map((other) => digest(other, phone))]
}

/** HMAC-SHA-256 of the E.164 number, cut to 128 bits. */
function digest(key: Uint8Array, phone: string): string {
  const whole = new Bun.CryptoHasher('sha256', key).update(phone).digest()
  return whole.subarray(0, DIGEST_BYTES).toBase64({ alphabet: 'base64url', omitPadding: true })
}

const getWithoutDigest = query('auth.without-digest', function* (tx, input: { limit: number }) {
  return yield* tx.all(findWithoutDigest, input)
})

const setNumberDigests = command(
  'auth.set-number-digests',
  function* (tx, { given }: { given: readonly { id: string; digest: string }[] }) {
    for (const one of given) {
      yield* tx.run(setDigest, one)
      yield* tx.run(setDigestOfNumber, one)
      yield* tx.run(setDigestOfDays, one)
    }
  },
)

/** Computes the digests that an older version did not store. SQL cannot, so each start asks. Gives how many. */
export async function fillNumberDigests(
  database: Database,
  digests: NumberDigests,
): Promise<number> {
  let filled = 0
  for (;;) {
    const rows = await database.read(getWithoutDigest, { limit: ROWS_AT_ONCE })
    if (rows.length === 0) return filled
    const given = rows.map(({ id, phone }) => ({ id, digest: digests(phone)[0] }))
    await database.run(setNumberDigests, { given })
    filled += rows.length
  }
}
