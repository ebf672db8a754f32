import { and, desc, eq, gt, isNull, sql } from 'drizzle-orm'
import { sessions } from '#drizzle/schema.ts'
import { type Command, syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { lazy } from '#src/lib/lazy.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { spend } from '#src/modules/limits/commands.ts'
import { userTopic } from '#src/plugins/topics.ts'
import { forgetTokens } from './open-session.sqlite.ts'
import type { Rotated, Rotation, SessionStore, Whence } from './store.ts'

const { placeholder } = sql

/** Of one session: a month of exchanges every fifteen minutes. A client that exchanges faster cannot fill the disk. */
const TOKENS_KEPT = 3_000
const TOKENS_DROPPED = 300

interface TokenRow {
  sessionId: string
  userId: string
  rotatedAt: number | null
  startedAt: number
  expiresAt: number
}

/**
 * Rotates a refresh token (RFC 9700, 4.14.2). The one just rotated gives the same successor again for a
 * moment, as its answer may have been lost; any older one is somebody else's copy, and ends the session.
 */
const rotate: Command<Rotation, Rotated> = syncCommand('auth.rotate', ({ sqlite }) => {
  const find = sqlite.query<TokenRow, [string, number]>(`
    SELECT s.id AS sessionId, s.user_id AS userId, s.created_at AS startedAt, s.expires_at AS expiresAt,
      t.rotated_at AS rotatedAt
    FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
    WHERE t.hash = ?1 AND s.ended_at IS NULL AND s.expires_at > ?2`)
  const unused = sqlite.query<unknown, [string]>(
    'SELECT 1 FROM refresh_tokens WHERE hash = ?1 AND rotated_at IS NULL',
  )
  const retire = sqlite.query<unknown, [string, number]>(
    'UPDATE refresh_tokens SET rotated_at = ?2 WHERE hash = ?1',
  )
  const insert = sqlite.query<unknown, [string, string, number]>(
    'INSERT INTO refresh_tokens (hash, session_id, created_at) VALUES (?1, ?2, ?3)',
  )
  // Uses refresh_tokens_of_session.
  const count = sqlite.query<{ count: number }, [string]>(
    'SELECT count(*) AS count FROM refresh_tokens WHERE session_id = ?1',
  )
  const dropOldest = sqlite.query<unknown, [string]>(`
    DELETE FROM refresh_tokens WHERE rowid IN (
      SELECT rowid FROM refresh_tokens WHERE session_id = ?1 AND rotated_at IS NOT NULL
      ORDER BY rotated_at LIMIT ${TOKENS_DROPPED})`)
  const use = sqlite.query<unknown, [Record<string, string | number | null>]>(
    'UPDATE sessions SET last_used_at = $now, expires_at = $expiresAt, ip = $ip WHERE id = $sessionId',
  )
  const end = sqlite.query<unknown, [string, number]>(
    'UPDATE sessions SET ended_at = ?2 WHERE id = ?1',
  )
  return (tx, { hash, successors, ttlMs, longestMs, graceMs, limits, origin, now }) => {
    tx.run(spend, { limits, now })
    const token = find.get(hash, now)
    const [successor] = successors
    if (!token || successor === undefined) return { is: 'refused' }
    const { sessionId, userId, rotatedAt } = token
    if (rotatedAt === null) {
      const expiresAt = Math.min(now + ttlMs, token.startedAt + longestMs)
      retire.run(hash, now)
      insert.run(successor, sessionId, now)
      if ((count.get(sessionId)?.count ?? 0) > TOKENS_KEPT) dropOldest.run(sessionId)
      use.run({ sessionId, now, expiresAt, ip: origin.ip })
      return { is: 'rotated', userId, sessionId, expiresAt, successor }
    }
    const again = successors.find((one) => unused.get(one))
    if (again !== undefined && now - rotatedAt <= graceMs) {
      return { is: 'rotated', userId, sessionId, expiresAt: token.expiresAt, successor: again }
    }
    end.run(sessionId, now)
    tx.run(forgetTokens, sessionId)
    tx.notify(userTopic(userId), 'session')
    const detail = { session: sessionId }
    tx.run(audit, { at: now, event: 'refresh.reused', userId, actor: 'stranger', origin, detail })
    return { is: 'refused' }
  }
})

const end = syncCommand('auth.end-session', ({ orm }) => {
  const close = orm
    .update(sessions)
    .set({ endedAt: placeholder('now') as never })
    .where(
      and(
        eq(sessions.id, placeholder('sessionId')),
        eq(sessions.userId, placeholder('userId')),
        isNull(sessions.endedAt),
      ),
    )
    .returning({ id: sessions.id })
    .prepare()
  return (
    tx,
    input: { userId: string; sessionId: string; origin: Whence; now: number },
  ): boolean => {
    const { userId, sessionId, origin, now } = input
    if (!close.get({ userId, sessionId, now })) return false
    tx.run(forgetTokens, sessionId)
    tx.notify(userTopic(userId), 'session')
    const detail = { session: sessionId }
    tx.run(audit, { at: now, event: 'session.ended', userId, actor: 'user', origin, detail })
    return true
  }
})

const endOthers = syncCommand('auth.end-other-sessions', ({ sqlite }) => {
  const close = sqlite.query<{ id: string }, [Record<string, string | number>]>(`
    UPDATE sessions SET ended_at = $now WHERE user_id = $userId AND id <> $keepId AND ended_at IS NULL
    RETURNING id`)
  return (tx, input: { userId: string; keepId: string; origin: Whence; now: number }): number => {
    const { userId, keepId, origin, now } = input
    const ended = close.all({ userId, keepId, now })
    // Nothing happened, and a client must not be able to fill the log with that.
    if (ended.length === 0) return 0
    for (const { id } of ended) tx.run(forgetTokens, id)
    tx.notify(userTopic(userId), 'session')
    const detail = { sessions: ended.length }
    tx.run(audit, { at: now, event: 'sessions.ended', userId, actor: 'user', origin, detail })
    return ended.length
  }
})

export function createSessionStore(database: Database): SessionStore {
  const columns = {
    id: sessions.id,
    device: sessions.device,
    ip: sessions.ip,
    createdAt: sessions.createdAt,
    lastUsedAt: sessions.lastUsedAt,
    expiresAt: sessions.expiresAt,
  }
  // Walks sessions_of_user.
  const list = lazy(() =>
    database.orm
      .select(columns)
      .from(sessions)
      .where(
        and(
          eq(sessions.userId, placeholder('userId')),
          isNull(sessions.endedAt),
          gt(sessions.expiresAt, placeholder('now')),
          sql`(${sessions.createdAt}, ${sessions.id}) < (${placeholder('createdAt')}, ${placeholder('id')})`,
        ),
      )
      .orderBy(desc(sessions.createdAt), desc(sessions.id))
      .limit(placeholder('limit'))
      .prepare(),
  )
  return {
    rotate: (input) => database.execute(rotate, input),
    async list({ after, ...input }) {
      return list().all({ ...input, ...(after ?? { createdAt: Number.MAX_SAFE_INTEGER, id: '' }) })
    },
    end: (input) => database.execute(end, input),
    endOthers: (input) => database.execute(endOthers, input),
  }
}
