import { sql } from 'drizzle-orm'
import { refreshTokens, sessions, users } from '#drizzle/schema.ts'
import { numberDigest } from '#src/database/active-user.ts'
import { columns, insertInto, statement, update } from '#src/database/statement.ts'

type SessionKey = { sessionId: string; userId: string }

/** By the primary keys of both tables. Runs at every request. */
export const findLivingSession = statement<
  SessionKey & { now: number },
  SessionKey & { numberDigest: string }
>(
  (p) => sql`SELECT ${columns({ userId: sessions.userId, sessionId: sessions.id, numberDigest })}
    FROM ${sessions} JOIN ${users} ON ${users.id} = ${sessions.userId}
    WHERE ${sessions.id} = ${p.sessionId} AND ${sessions.userId} = ${p.userId}
      AND ${sessions.endedAt} IS NULL AND ${sessions.expiresAt} > ${p.now}
      AND ${users.verifiedAt} IS NOT NULL`,
)

/** A session in the list of a user. */
export interface SessionRow {
  id: string
  device: string | null
  ip: string | null
  createdAt: number
  lastUsedAt: number
  expiresAt: number
}

/** By sessions_of_user, newest first, from behind one session on. */
export const listSessions = statement<
  { userId: string; now: number; createdAt: number; id: string; limit: number },
  SessionRow
>(
  (p) => sql`SELECT ${columns({
    id: sessions.id,
    device: sessions.device,
    ip: sessions.ip,
    createdAt: sessions.createdAt,
    lastUsedAt: sessions.lastUsedAt,
    expiresAt: sessions.expiresAt,
  })}
    FROM ${sessions}
    WHERE ${sessions.userId} = ${p.userId} AND ${sessions.endedAt} IS NULL
      AND ${sessions.expiresAt} > ${p.now}
      AND (${sessions.createdAt}, ${sessions.id}) < (${p.createdAt}, ${p.id})
    ORDER BY ${sessions.createdAt} DESC, ${sessions.id} DESC LIMIT ${p.limit}`,
)

export const insertSession = statement<
  SessionKey & { device: string | null; ip: string | null; now: number; expiresAt: number }
>((p) =>
  insertInto(sessions, {
    id: p.sessionId,
    userId: p.userId,
    device: p.device,
    ip: p.ip,
    createdAt: p.now,
    lastUsedAt: p.now,
    expiresAt: p.expiresAt,
  }),
)

/** By the primary key. */
export const useSession = statement<{
  sessionId: string
  now: number
  expiresAt: number
  ip: string | null
}>(
  (p) =>
    sql`${update(sessions, { lastUsedAt: p.now, expiresAt: p.expiresAt, ip: p.ip })} WHERE ${sessions.id} = ${p.sessionId}`,
)

type EndedSession = { id: string }

/** By the primary key. */
export const endSession = statement<SessionKey & { now: number }, EndedSession>(
  (p) => sql`${update(sessions, { endedAt: p.now })}
    WHERE ${sessions.id} = ${p.sessionId} AND ${sessions.userId} = ${p.userId}
      AND ${sessions.endedAt} IS NULL RETURNING id`,
)

/** By sessions_of_user: all but one. */
export const endSessionsBut = statement<
  { userId: string; keepId: string; now: number },
  EndedSession
>(
  (p) => sql`${update(sessions, { endedAt: p.now })}
    WHERE ${sessions.userId} = ${p.userId} AND ${sessions.id} <> ${p.keepId}
      AND ${sessions.endedAt} IS NULL RETURNING id`,
)

/** By sessions_of_user: all but the newest `most`. Those whose time is over do not count. */
export const endSessionsBeyond = statement<
  { userId: string; most: number; now: number },
  EndedSession
>(
  (p) => sql`${update(sessions, { endedAt: p.now })} WHERE ${sessions.id} IN (
    SELECT ${sessions.id} FROM ${sessions}
    WHERE ${sessions.userId} = ${p.userId} AND ${sessions.endedAt} IS NULL AND ${sessions.expiresAt} > ${p.now}
    ORDER BY ${sessions.createdAt} DESC, ${sessions.id} DESC
    LIMIT ${Number.MAX_SAFE_INTEGER} OFFSET ${p.most}) RETURNING id`,
)

/** By sessions_expiring. */
export const removeOldSessions = statement<{ expiredBefore: number; limit: number }>(
  (p) => sql`DELETE FROM ${sessions} WHERE ${sessions.id} IN
    (SELECT ${sessions.id} FROM ${sessions} WHERE ${sessions.expiresAt} < ${p.expiredBefore} LIMIT ${p.limit})`,
)

/** By the primary keys of both tables; a token of a session that is over is not found. */
export const findRefreshToken = statement<
  { hash: string; now: number },
  SessionKey & { rotatedAt: number | null; startedAt: number; expiresAt: number }
>(
  (p) => sql`SELECT ${columns({
    sessionId: sessions.id,
    userId: sessions.userId,
    startedAt: sessions.createdAt,
    expiresAt: sessions.expiresAt,
    rotatedAt: refreshTokens.rotatedAt,
  })}
    FROM ${refreshTokens} JOIN ${sessions} ON ${sessions.id} = ${refreshTokens.sessionId}
    WHERE ${refreshTokens.hash} = ${p.hash}
      AND ${sessions.endedAt} IS NULL AND ${sessions.expiresAt} > ${p.now}`,
)

/** By the primary key. */
export const findUnusedToken = statement<{ hash: string }, { hash: string }>(
  (p) => sql`SELECT ${refreshTokens.hash} AS hash FROM ${refreshTokens}
    WHERE ${refreshTokens.hash} = ${p.hash} AND ${refreshTokens.rotatedAt} IS NULL`,
)

/** By the primary key. */
export const retireToken = statement<{ hash: string; now: number }>(
  (p) =>
    sql`${update(refreshTokens, { rotatedAt: p.now })} WHERE ${refreshTokens.hash} = ${p.hash}`,
)

export const insertToken = statement<{ hash: string; sessionId: string; now: number }>((p) =>
  insertInto(refreshTokens, { hash: p.hash, sessionId: p.sessionId, createdAt: p.now }),
)

/** By refresh_tokens_of_session. */
export const countTokens = statement<{ sessionId: string }, { count: number }>(
  (p) => sql`SELECT count(*) AS count FROM ${refreshTokens}
    WHERE ${refreshTokens.sessionId} = ${p.sessionId}`,
)

/** By refresh_tokens_of_session. */
export const removeOldestTokens = statement<{ sessionId: string; limit: number }>(
  (p) => sql`DELETE FROM ${refreshTokens} WHERE ${refreshTokens.hash} IN (
    SELECT ${refreshTokens.hash} FROM ${refreshTokens}
    WHERE ${refreshTokens.sessionId} = ${p.sessionId} AND ${refreshTokens.rotatedAt} IS NOT NULL
    ORDER BY ${refreshTokens.rotatedAt} LIMIT ${p.limit})`,
)

/** By refresh_tokens_of_session. */
export const removeTokensOfSession = statement<{ sessionId: string }>(
  (p) => sql`DELETE FROM ${refreshTokens} WHERE ${refreshTokens.sessionId} = ${p.sessionId}`,
)

/** By refresh_tokens_by_age. */
export const removeOldTokens = statement<{ createdBefore: number; limit: number }>(
  (p) => sql`DELETE FROM ${refreshTokens} WHERE ${refreshTokens.hash} IN (
    SELECT ${refreshTokens.hash} FROM ${refreshTokens}
    WHERE ${refreshTokens.createdAt} < ${p.createdBefore} AND ${refreshTokens.rotatedAt} IS NOT NULL
    LIMIT ${p.limit})`,
)
