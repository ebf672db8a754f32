import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'

/** What a token whose signature and claims were checked says. */
export interface Verified<Claims> {
  claims: Claims
  /** Its `exp`, seconds. */
  expiresAt: number
}

/** Tokens kept; each takes about 300 bytes. */
const LIMIT = 10_000

/**
 * Remembers which tokens were verified, so that the signature is computed once per token and not once per
 * request. Kept by hash, so that no token lies about in memory; whether the session still lives is asked of
 * the database at each request all the same.
 */
export function createVerifiedTokens<Claims>(
  verify: (token: string) => Promise<Verified<Claims> | undefined>,
  clock: Clock,
  limit = LIMIT,
): (token: string) => Promise<Claims | undefined> {
  const known = new Map<string, Verified<Claims>>()
  return async (token) => {
    const hash = new Bun.CryptoHasher('sha256').update(token).digest('base64')
    const seen = known.get(hash)
    if (seen) {
      if (Math.floor(clock.now() / SECOND) < seen.expiresAt) return seen.claims
      known.delete(hash)
      return undefined
    }
    const verified = await verify(token)
    if (!verified) return undefined
    const oldest = known.size >= limit ? known.keys().next().value : undefined
    if (oldest !== undefined) known.delete(oldest)
    known.set(hash, verified)
    return verified.claims
  }
}
