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
