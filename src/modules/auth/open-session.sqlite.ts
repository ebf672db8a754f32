import { sql } from 'drizzle-orm'
import { refreshTokens, sessions } from '#drizzle/schema.ts'
import { type Command, syncCommand } from '#src/database/command.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { userTopic } from '#src/plugins/topics.ts'
import type { SessionToOpen, Whence } from './store.ts'

const { placeholder } = sql

type Opening = SessionToOpen & { userId: string; now: number }

export const openSession: Command<Opening, void> = syncCommand('auth.open-session', ({ orm }) => {
  const insert = orm
    .insert(sessions)
    .values({
      id: placeholder('id'),
      userId: placeholder('userId'),
      device: placeholder('device'),
      ip: placeholder('ip'),
      createdAt: placeholder('now'),
      lastUsedAt: placeholder('now'),
      expiresAt: placeholder('expiresAt'),
    })
    .prepare()
  const insertToken = orm
    .insert(refreshTokens)
    .values({
      hash: placeholder('refreshHash'),
      sessionId: placeholder('id'),
      createdAt: placeholder('now'),
    })
    .prepare()
  return (_tx, session) => {
    insert.run({ ...session })
    insertToken.run({ ...session })
  }
})

/**
 * Ends a user's oldest sessions beyond `most`, so that one account cannot fill the database with sessions. Those whose
 * time is over do not count.
 */
export const endOldest: Command<
  { userId: string; most: number; origin: Whence; now: number },
  void
> = syncCommand('auth.end-oldest-sessions', ({ sqlite }) => {
  // Uses sessions_of_user.
  const end = sqlite.query<{ id: string }, [Record<string, string | number>]>(`
    UPDATE sessions SET ended_at = $now WHERE id IN (
      SELECT id FROM sessions WHERE user_id = $userId AND ended_at IS NULL AND expires_at > $now
      ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET $most
    ) RETURNING id`)
  return (tx, { userId, most, origin, now }) => {
    const ended = end.all({ userId, most, now })
    for (const { id } of ended) {
      tx.run(forgetTokens, id)
      const event = { at: now, event: 'session.ended', userId, actor: 'system', origin } as const
      tx.run(audit, { ...event, detail: { session: id, cause: 'too many' } })
    }
    if (ended.length > 0) tx.notify(userTopic(userId), 'session')
  }
})

/** Forgets the refresh tokens of a session that has ended: none of them can be exchanged any more. */
export const forgetTokens: Command<string, void> = syncCommand(
  'auth.forget-tokens',
  ({ sqlite }) => {
    // Uses refresh_tokens_of_session.
    const remove = sqlite.query<unknown, [string]>(
      'DELETE FROM refresh_tokens WHERE session_id = ?1',
    )
    return (_tx, sessionId) => {
      remove.run(sessionId)
    }
  },
)
