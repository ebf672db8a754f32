import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type Cursors, type Page, toPage } from '#src/lib/page.ts'
import { notFound, Problem } from '#src/lib/problem.ts'
import type { Random } from '#src/lib/random.ts'
import { DAY, SECOND, toInstant } from '#src/lib/time.ts'
import type { Principal } from '#src/plugins/auth.ts'
import type { Origin } from '#src/plugins/origin.ts'
import type { Limits } from './limits.ts'
import type { Session } from './model.ts'
import {
  endOtherSessions,
  endSession,
  getSessions,
  rotate,
  type SessionToOpen,
} from './session-commands.ts'
import type { AccessTokens } from './tokens.ts'

/** A lost answer or a second tab may present the token before the last for so long. */
const GRACE_MS = 10 * SECOND

/** What a login or a refresh hands out. */
export interface TokenPair {
  token: string
  tokenType: 'Bearer'
  expiresIn: number
  refreshToken: string
  refreshExpiresAt: string
}

export interface SessionDeps {
  database: Database
  tokens: AccessTokens
  limits: Limits
  clock: Clock
  random: Random
  cursors: Cursors
  /** Derive a refresh token's successor; the first makes, all are tried, so that keys can rotate. */
  keys: readonly [Uint8Array, ...Uint8Array[]]
  refreshTtlDays: number
  sessionMaxDays: number
  /** Sessions that one user may have at a time. */
  most: number
}

export type Sessions = ReturnType<typeof createSessions>

export function createSessions(deps: SessionDeps) {
  const { database, tokens, limits, clock, random, cursors, keys } = deps
  const ttlMs = deps.refreshTtlDays * DAY
  const longestMs = deps.sessionMaxDays * DAY

  async function pair(input: {
    userId: string
    sessionId: string
    refreshToken: string
    expiresAt: number
  }): Promise<TokenPair> {
    const { userId, sessionId, refreshToken, expiresAt } = input
    return {
      token: await tokens.sign({ userId, sessionId }),
      tokenType: 'Bearer',
      expiresIn: tokens.ttlMs / SECOND,
      refreshToken,
      refreshExpiresAt: toInstant(expiresAt),
    }
  }

  return {
    most: deps.most,
    /** A session to open in the login's own transaction, and the tokens to hand out once it is open. */
    prepare(
      userId: string,
      origin: Origin,
    ): { session: SessionToOpen; handOut(): Promise<TokenPair> } {
      const now = clock.now()
      const sessionId = random.id(now)
      const refreshToken = random.bytes(32).toBase64({ alphabet: 'base64url', omitPadding: true })
      const expiresAt = now + Math.min(ttlMs, longestMs)
      const { device, ip } = origin
      return {
        session: { id: sessionId, refreshHash: digest(refreshToken), device, ip, expiresAt },
        handOut: () => pair({ userId, sessionId, refreshToken, expiresAt }),
      }
    },
    /** @throws Problem 401 `invalid-refresh-token` */
    async refresh(refreshToken: string, origin: Origin): Promise<TokenPair & { userId: string }> {
      const successors = keys.map((key) => successorOf(key, refreshToken))
      const rotated = await database.run(rotate, {
        hash: digest(refreshToken),
        successors: successors.map(digest),
        ttlMs,
        longestMs,
        graceMs: GRACE_MS,
        limits: limits.request(origin),
        origin,
        now: clock.now(),
      })
      const next =
        rotated.is === 'rotated' && successors.find((one) => digest(one) === rotated.successor)
      if (rotated.is === 'refused' || !next) {
        throw new Problem(401, 'invalid-refresh-token', 'This session is over. Log in again.', {
          headers: { 'www-authenticate': 'Bearer' },
        })
      }
      const { userId, sessionId, expiresAt } = rotated
      return { userId, ...(await pair({ userId, sessionId, refreshToken: next, expiresAt })) }
    },
    async list(
      { userId, sessionId }: Principal,
      query: { limit: number; cursor: string | undefined },
    ): Promise<Page<Session>> {
      const list = ['sessions', userId] as const
      const key =
        query.cursor === undefined
          ? undefined
          : cursors.decode(list, query.cursor, ['number', 'string'])
      const rows = await database.read(getSessions, {
        userId,
        limit: query.limit + 1,
        after: key && { createdAt: key[0], id: key[1] },
        now: clock.now(),
      })
      return toPage(
        rows,
        query.limit,
        ({ id, device, ip, createdAt, lastUsedAt, expiresAt }): Session => ({
          id,
          device,
          ip,
          createdAt: toInstant(createdAt),
          lastUsedAt: toInstant(lastUsedAt),
          expiresAt: toInstant(expiresAt),
          current: id === sessionId,
        }),
        ({ createdAt, id }) => cursors.encode(list, [createdAt, id]),
      )
    },
    /** @throws Problem 404 */
    async end({ userId }: Principal, sessionId: string, origin: Origin): Promise<void> {
      if (!(await database.run(endSession, { userId, sessionId, origin, now: clock.now() })))
        throw notFound()
    },
    async endOthers({ userId, sessionId }: Principal, origin: Origin): Promise<void> {
      await database.run(endOtherSessions, { userId, keepId: sessionId, origin, now: clock.now() })
    },
  }
}

/**
 * A token follows from the one before by a key that only the server has, so that a lost answer can be
 * given again although only digests are stored, and the grace never splits a session in two.
 */
function successorOf(key: Uint8Array, refreshToken: string): string {
  const digested = new Bun.CryptoHasher('sha256', key).update(refreshToken).digest()
  return digested.toBase64({ alphabet: 'base64url', omitPadding: true })
}

function digest(token: string): string {
  return new Bun.CryptoHasher('sha256').update(token).digest('hex')
}
