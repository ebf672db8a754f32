import { type Command, syncCommand } from '#src/database/command.ts'
import { Problem } from '#src/lib/problem.ts'
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

interface Counted {
  count: number
  resets_at: number
}

interface Spend {
  limits: readonly Limit[]
  now: number
}

// A window that would end later than one that starts now was written by a clock that has since been set back.
const COUNT = `
  INSERT INTO rate_limits (key, count, resets_at) VALUES ($key, 1, $now + $windowMs)
  ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN resets_at <= $now OR resets_at > $now + $windowMs THEN 1 ELSE count + 1 END,
    resets_at = CASE WHEN resets_at <= $now OR resets_at > $now + $windowMs THEN $now + $windowMs ELSE resets_at END
  RETURNING count, resets_at`

/**
 * Counts one against each limit, in the caller's transaction: the counters outlive a restart, and what is
 * refused counts nowhere.
 * @throws Problem 429 `too-many-requests` naming the first limit that is used up
 */
export const spend: Command<Spend, void> = syncCommand('rate-limit.spend', ({ sqlite }) => {
  const count = sqlite.query<Counted, [Record<string, string | number>]>(COUNT)
  return (_tx, { limits, now }) => {
    for (const limit of limits) {
      const { key, windowMs } = limit
      const counted = count.get({ key, windowMs, now })
      if (counted && counted.count > limit.most) throw tooMany(limit, counted.resets_at, now)
    }
  }
})

/** Counts one whatever the limit, and gives how many there are now: for faults, which must not be undone. */
export const tally: Command<{ limit: Limit; now: number }, number> = syncCommand(
  'rate-limit.tally',
  ({ sqlite }) => {
    const count = sqlite.query<Counted, [Record<string, string | number>]>(COUNT)
    return (_tx, { limit, now }) => {
      const { key, windowMs } = limit
      return count.get({ key, windowMs, now })?.count ?? 0
    }
  },
)

/** Marks a key for a window that starts now, however often it was marked before. */
export const remember: Command<{ limit: Limit; now: number }, void> = syncCommand(
  'rate-limit.remember',
  ({ sqlite }) => {
    const mark = sqlite.query<unknown, [string, number]>(`
      INSERT INTO rate_limits (key, count, resets_at) VALUES (?1, 1, ?2)
      ON CONFLICT (key) DO UPDATE SET resets_at = ?2`)
    return (_tx, { limit: { key, windowMs }, now }) => {
      mark.run(key, now + windowMs)
    }
  },
)

/** Counts nothing. @throws Problem 429 `too-many-requests` where a limit is used up already */
export const refuseSpent: Command<Spend, void> = syncCommand('rate-limit.refuse', ({ sqlite }) => {
  const find = sqlite.query<Counted, [string, number]>(
    'SELECT count, resets_at FROM rate_limits WHERE key = ?1 AND resets_at > ?2',
  )
  return (_tx, { limits, now }) => {
    for (const limit of limits) {
      const counted = find.get(limit.key, now)
      if (counted && counted.count >= limit.most) throw tooMany(limit, counted.resets_at, now)
    }
  }
})

/** Takes one back that was counted before it was known whether it counts. */
export const takeBack: Command<Pick<Limit, 'key'>, void> = syncCommand(
  'rate-limit.take-back',
  ({ sqlite }) => {
    const less = sqlite.query<unknown, [string]>(
      'UPDATE rate_limits SET count = count - 1 WHERE key = ?1 AND count > 0',
    )
    return (_tx, { key }) => {
      less.run(key)
    }
  },
)

/** Forgets what a limit has counted. */
export const forgive: Command<Limit, void> = syncCommand('rate-limit.forgive', ({ sqlite }) => {
  const remove = sqlite.query<unknown, [string]>('DELETE FROM rate_limits WHERE key = ?1')
  return (_tx, { key }) => {
    remove.run(key)
  }
})

/** Forgets the windows that are over; gives how many. Uses rate_limits_expiring. */
export const pruneRateLimits: Command<{ now: number }, number> = syncCommand(
  'rate-limit.prune',
  ({ sqlite }) => {
    const remove = sqlite.query<unknown, [number]>('DELETE FROM rate_limits WHERE resets_at <= ?1')
    return (_tx, { now }) => remove.run(now).changes
  },
)

/** A counter's key: of the subject (a phone, an address) only a keyed digest is stored. */
export function limitKey(secret: Uint8Array, name: string, subject: string): string {
  const digest = new Bun.CryptoHasher('sha256', secret)
    .update(JSON.stringify([name, subject]))
    .digest()
  return `${name}:${digest.subarray(0, 16).toBase64({ alphabet: 'base64url' })}`
}

/**
 * A limit of one user, for {@link spend}. The count is kept by the principal's `numberDigest`, so that deleting the
 * account and signing up again does not reset it.
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
  return new Problem(
    429,
    'too-many-requests',
    `Too many requests. Try again in ${seconds} seconds.`,
    {
      headers: {
        'retry-after': String(seconds),
        'ratelimit-policy': `"${name}";q=${most};w=${Math.ceil(windowMs / SECOND)}`,
        ratelimit: `"${name}";r=0;t=${seconds}`,
      },
    },
  )
}
