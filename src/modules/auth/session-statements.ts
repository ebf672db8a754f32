import { sql } from 'drizzle-orm'
import { sessions, users } from '#drizzle/schema.ts'
import { numberDigest } from '#src/database/active-user.ts'
import { columns, statement } from '#src/database/statement.ts'

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
