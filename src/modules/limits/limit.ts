import { type Problem, problem } from '#src/lib/problem.ts'
import { SECOND } from '#src/lib/time.ts'

/** At most `most` in a window that starts with its first. */
export interface Limit {
  /** What is limited, as the client sees it in RateLimit-Policy. */
  name: string
  /** Whose count it is. Never a phone number: see {@link limitKey}. */
  key: string
  most: number
  windowMs: number
}

/** A counter's key: of the subject (a phone, an address) only a keyed digest is stored. */
export function limitKey(secret: Uint8Array, name: string, subject: string): string {
  const digest = new Bun.CryptoHasher('sha256', secret)
    .update(JSON.stringify([name, subject]))
    .digest()
  return `${name}:${digest.subarray(0, 16).toBase64({ alphabet: 'base64url' })}`
}

/**
 * A limit of one user. The count is kept by the principal's `numberDigest`, so that deleting the account and signing up
 * again does not reset it.
 */
export function userLimit(
  name: string,
  { numberDigest }: { numberDigest: string },
  most: number,
  windowMs: number,
): Limit {
  return { name, key: `${name}:${numberDigest}`, most, windowMs }
}

/** RateLimit fields of draft-ietf-httpapi-ratelimit-headers, and how long to wait. */
export function tooMany(limit: Omit<Limit, 'key'>, resetsAt: number, now: number): Problem {
  const seconds = Math.max(1, Math.ceil((resetsAt - now) / SECOND))
  const { name, most, windowMs } = limit
  return problem('too-many-requests', {
    detail: `Too many requests. Try again in ${seconds} seconds.`,
    headers: {
      'retry-after': String(seconds),
      'ratelimit-policy': `"${name}";q=${most};w=${Math.ceil(windowMs / SECOND)}`,
      ratelimit: `"${name}";r=0;t=${seconds}`,
    },
  })
}
