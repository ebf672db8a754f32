import { type Command, type SyncTx, syncCommand } from '#src/database/command.ts'
import { invalid, Problem } from '#src/lib/problem.ts'
import { DAY } from '#src/lib/time.ts'
import { IS_SOMEBODY } from './somebody.ts'

/** What the client sent with its key. */
export interface IdempotencyClaim {
  key: string
  /** Of method, path and body: the first 80 bits of their SHA-256, hex. */
  fingerprint: string
}

/** An answer as it was first given and is replayed. */
export interface Answer<B = unknown> {
  status: number
  body: B
  location: string | null
  replayed: boolean
}

/**
 * Reads the `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header); undefined where
 * there is none.
 * @throws Problem 422 when it is not 1–255 printable ASCII characters
 */
export function idempotencyClaim(request: Request, body: unknown): IdempotencyClaim | undefined {
  const key = request.headers.get('idempotency-key')
  if (key === null) return undefined
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw invalid({
      pointer: '#header/Idempotency-Key',
      detail: 'must be 1 to 255 printable ASCII characters',
    })
  }
  const { pathname } = new URL(request.url)
  // A client in between may escape what another does not: the same path.
  const path = pathname.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  const fingerprint = new Bun.CryptoHasher('sha256')
    .update(`${request.method} ${path} ${JSON.stringify(body ?? null)}`)
    .digest('hex')
    .slice(0, 20)
  return { key, fingerprint }
}

interface Lookup {
  userId: string
  claim: IdempotencyClaim
  now: number
}

/** What was kept for a key: enough to tell the first answer again. */
export interface Kept<T> {
  value: T
  /** False where it was made just now. */
  replayed: boolean
}

interface Row {
  fingerprint: string
  kept: string | null
  lockedUntil: number | null
  expiresAt: number
}

// Both statements are written out: they run at each prompt, and Drizzle takes longer to bind one than SQLite to run it.

/** What was kept for this key; undefined where it is free. @throws Problem 409, 422 */
export const findKept = syncCommand('idempotency.find', ({ sqlite }) => {
  const find = sqlite.query<Row, [string, string]>(`
    SELECT fingerprint, kept, locked_until AS lockedUntil, expires_at AS expiresAt
    FROM idempotency_keys WHERE key = ?1 AND user_id = ?2`)
  return (_tx, { userId, claim, now }: Lookup): { value: unknown } | undefined => {
    const row = find.get(claim.key, userId)
    if (!row || row.expiresAt <= now) return undefined
    if (row.fingerprint !== claim.fingerprint) {
      throw new Problem(
        422,
        'idempotency-key-reused',
        'This Idempotency-Key came with another request before.',
      )
    }
    if (row.kept !== null) return { value: JSON.parse(row.kept) }
    if (row.lockedUntil === null || row.lockedUntil <= now) return undefined
    throw new Problem(
      409,
      'idempotency-key-in-use',
      'The first request with this Idempotency-Key is still running.',
      { headers: { 'retry-after': '1' } },
    )
  }
})

/** Keeps a value for a day, or until `lockedUntil` the claim to make one, where it is undefined. */
export const keep = syncCommand('idempotency.keep', ({ sqlite }) => {
  const store = sqlite.query<unknown, [Record<string, string | number | null>]>(`
    INSERT INTO idempotency_keys (user_id, key, fingerprint, kept, locked_until, expires_at)
    VALUES ($userId, $key, $fingerprint, $kept, $lockedUntil, $expiresAt)
    ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, kept = excluded.kept,
      locked_until = excluded.locked_until, expires_at = excluded.expires_at`)
  return (
    _tx,
    { userId, claim, now, value, lockedUntil }: Lookup & { value?: unknown; lockedUntil?: number },
  ): void => {
    store.run({
      userId,
      ...claim,
      kept: value === undefined ? null : JSON.stringify(value),
      lockedUntil: lockedUntil ?? null,
      expiresAt: now + DAY,
    })
  }
})

/**
 * Runs `create` at most once per key, in the caller's transaction: the claim, the effect and what is kept of
 * it commit together. When `create` throws, nothing is kept and the same key may try again.
 */
export function once<T>(
  tx: SyncTx,
  input: { userId: string; claim: IdempotencyClaim | undefined; now: number },
  create: () => T,
): Kept<T> {
  const { userId, claim, now } = input
  if (!claim) return { value: create(), replayed: false }
  const first = tx.run(findKept, { userId, claim, now })
  // Kept by the same route for the same request, so it has this route's shape.
  if (first) return { value: first.value as T, replayed: true }
  const value = create()
  tx.run(keep, { userId, claim, now, value })
  return { value, replayed: false }
}

/** Where a walk through all keys has come to. */
export interface KeyPlace {
  key: string
  userId: string
}

/**
 * Looks at the next `limit` keys behind a place and forgets those whose 24 hours are over and those of users who are
 * erased; gives the place to go on from, undefined at the end. An index by time, or by user, would cost each prompt more.
 */
export const pruneIdempotencyKeys: Command<
  { now: number; after: KeyPlace | undefined; limit: number },
  { pruned: number; last: KeyPlace | undefined }
> = syncCommand('idempotency.prune', ({ sqlite }) => {
  const place = sqlite.query<KeyPlace, [string, string, number]>(`
    SELECT key, user_id AS userId FROM idempotency_keys
    WHERE (key, user_id) > (?1, ?2) ORDER BY key, user_id LIMIT 1 OFFSET ?3`)
  const remove = sqlite.query<unknown, [string, string, string, string, number]>(`
    DELETE FROM idempotency_keys
    WHERE (key, user_id) > (?1, ?2) AND (key, user_id) <= (?3, ?4)
      AND (expires_at <= ?5 OR NOT EXISTS (SELECT 1 FROM users WHERE id = user_id AND ${IS_SOMEBODY}))`)
  return (_tx, { now, after, limit }) => {
    const { key, userId } = after ?? { key: '', userId: '' }
    const last = place.get(key, userId, limit - 1) ?? undefined
    // DEL is behind every printable character.
    const until = last ?? { key: '\x7f', userId: '' }
    const { changes } = remove.run(key, userId, until.key, until.userId, now)
    return { pruned: changes, last }
  }
})
