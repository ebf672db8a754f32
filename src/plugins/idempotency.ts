import type { idempotencyKeys } from '#drizzle/schema.ts'
import { type Command, command, type Tx } from '#src/database/command.ts'
import { invalid, Problem } from '#src/lib/problem.ts'
import { DAY } from '#src/lib/time.ts'

/** What the client sent with its key. */
export interface IdempotencyClaim {
  key: string
  /** SHA-256 of method, path and body, hex. */
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
  const fingerprint = new Bun.CryptoHasher('sha256')
    .update(`${request.method} ${pathname} ${JSON.stringify(body ?? null)}`)
    .digest('hex')
  return { key, fingerprint }
}

interface Lookup {
  userId: string
  claim: IdempotencyClaim
  now: number
}

interface Kept {
  answer: Omit<Answer, 'replayed'> | undefined
  lockedUntil?: number | null
}

type Row = Pick<
  typeof idempotencyKeys.$inferSelect,
  'fingerprint' | 'status' | 'body' | 'location' | 'lockedUntil' | 'expiresAt'
>

// Both statements are written out: they run at each prompt, and Drizzle takes longer to bind one than SQLite to run it.

/** The first answer to this key; undefined where there is none. @throws Problem 409, 422 */
export const findAnswer = command('idempotency.find', ({ sqlite }) => {
  const find = sqlite.query<Row, [string, string]>(`
    SELECT fingerprint, status, body, location, locked_until AS lockedUntil, expires_at AS expiresAt
    FROM idempotency_keys WHERE user_id = ?1 AND key = ?2`)
  return (_tx, { userId, claim, now }: Lookup): Answer | undefined => {
    const row = find.get(userId, claim.key)
    if (!row || row.expiresAt <= now) return undefined
    if (row.fingerprint !== claim.fingerprint) {
      throw new Problem(
        422,
        'idempotency-key-reused',
        'This Idempotency-Key came with another request before.',
      )
    }
    if (row.status === null) {
      if (row.lockedUntil === null || row.lockedUntil <= now) return undefined
      throw new Problem(
        409,
        'idempotency-key-in-use',
        'The first request with this Idempotency-Key is still running.',
        {
          headers: { 'retry-after': '1' },
        },
      )
    }
    return {
      status: row.status,
      body: JSON.parse(row.body ?? 'null'),
      location: row.location,
      replayed: true,
    }
  }
})

/** Keeps an answer for a day, or where there is none yet the claim to give it. */
export const storeAnswer = command('idempotency.store', ({ sqlite }) => {
  const store = sqlite.query<unknown, [Record<string, string | number | null>]>(`
    INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body, location, locked_until, expires_at)
    VALUES ($userId, $key, $fingerprint, $status, $body, $location, $lockedUntil, $expiresAt)
    ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body,
      location = excluded.location, locked_until = excluded.locked_until, expires_at = excluded.expires_at`)
  return (_tx, { userId, claim, now, answer, lockedUntil = null }: Lookup & Kept): void => {
    store.run({
      userId,
      ...claim,
      status: answer?.status ?? null,
      body: answer ? JSON.stringify(answer.body) : null,
      location: answer?.location ?? null,
      lockedUntil,
      expiresAt: now + DAY,
    })
  }
})

/**
 * Runs `create` at most once per key, in the caller's transaction: the claim, the effect and the answer
 * commit together. When `create` throws, nothing is kept and the same key may try again.
 */
export function once<B>(
  tx: Tx,
  input: { userId: string; claim: IdempotencyClaim | undefined; now: number },
  create: () => { status: number; body: B; location: string | null },
): Answer<B> {
  const { userId, claim, now } = input
  if (!claim) return { ...create(), replayed: false }
  const first = tx.run(findAnswer, { userId, claim, now })
  // Stored by the same route for the same request, so it has this route's shape.
  if (first) return first as Answer<B>
  const answer = create()
  tx.run(storeAnswer, { userId, claim, now, answer })
  return { ...answer, replayed: false }
}

/** Forgets up to `limit` answers whose 24 hours are over; gives how many, so that the caller can go on. */
export const pruneIdempotencyKeys: Command<{ now: number; limit: number }, number> = command(
  'idempotency.prune',
  ({ sqlite }) => {
    // Uses idempotency_keys_expiring.
    const remove = sqlite.query<unknown, [number, number]>(`
      DELETE FROM idempotency_keys WHERE rowid IN
        (SELECT rowid FROM idempotency_keys WHERE expires_at < ?1 LIMIT ?2)`)
    return (_tx, { now, limit }) => remove.run(now, limit).changes
  },
)
