import { syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { IS_SOMEBODY } from '#src/plugins/somebody.ts'

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

/** Computes the digests that an older version did not store. SQL cannot, so each start asks. Gives how many. */
export async function fillNumberDigests(
  database: Database,
  digests: NumberDigests,
): Promise<number> {
  // Uses users_without_digest, which also holds users who are being erased: those have no number.
  const missing = database.sqlite.query<{ id: string; phone: string }, [number]>(
    `SELECT id, phone FROM users WHERE number_digest IS NULL AND ${IS_SOMEBODY} LIMIT ?1`,
  )
  let filled = 0
  for (;;) {
    const rows = missing.all(ROWS_AT_ONCE)
    if (rows.length === 0) return filled
    const given = rows.map(({ id, phone }) => ({ id, digest: digests(phone)[0] }))
    await database.execute(setNumberDigests, { given })
    filled += rows.length
  }
}

const setNumberDigests = syncCommand('auth.set-number-digests', ({ sqlite }) => {
  const set = sqlite.query<unknown, [string, string]>(
    'UPDATE users SET number_digest = ?2 WHERE id = ?1 AND number_digest IS NULL',
  )
  // Until now the id stood in for the digest.
  const setUsage = sqlite.query<unknown, [string, string]>(
    'UPDATE number_usage SET number_digest = ?2 WHERE number_digest = ?1',
  )
  const setDays = sqlite.query<unknown, [string, string]>(
    'UPDATE quota_usage SET number_digest = ?2 WHERE number_digest = ?1',
  )
  return (_tx, { given }: { given: readonly { id: string; digest: string }[] }): void => {
    for (const { id, digest } of given) {
      set.run(id, digest)
      setUsage.run(id, digest)
      setDays.run(id, digest)
    }
  }
})
