/** A key of its own for each purpose, from the one secret: HMAC-SHA-256 as a PRF (RFC 5869, expand). */
export function deriveKey(secret: string, purpose: string): Uint8Array {
  return new Bun.CryptoHasher('sha256', secret).update(`pollux:${purpose}`).digest()
}
