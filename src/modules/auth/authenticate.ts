import { and, eq, gt, isNotNull, isNull, sql } from 'drizzle-orm'
import { sessions, users } from '#drizzle/schema.ts'
import { compile, named } from '#src/database/compile.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Authenticate, Principal } from '#src/plugins/auth.ts'
import { NUMBER_DIGEST } from '#src/plugins/somebody.ts'
import type { AccessTokens } from './tokens.ts'

export interface Authentication {
  /** Verifies the token, then asks in one prepared read whether its session lives and its user exists. */
  authenticate: Authenticate
  /** The same read alone, for what outlives its request: a stream. */
  isSessionAlive: (principal: Session) => boolean
}

type Session = Pick<Principal, 'userId' | 'sessionId'>

export function createAuthentication({
  database,
  tokens,
  clock,
}: {
  database: Database
  tokens: AccessTokens
  clock: Clock
}): Authentication {
  const living = compile(database.sqlite, () =>
    database.orm
      .select({
        ...named({ userId: sessions.userId, sessionId: sessions.id }),
        numberDigest: sql<string>`${sql.raw(NUMBER_DIGEST)}`.as('numberDigest'),
      })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(
          eq(sessions.id, sql.placeholder('sessionId')),
          eq(sessions.userId, sql.placeholder('userId')),
          isNull(sessions.endedAt),
          gt(sessions.expiresAt, sql.placeholder('now')),
          isNotNull(users.verifiedAt),
        ),
      ),
  )
  const find = ({ userId, sessionId }: Session) =>
    living.get({ userId, sessionId, now: clock.now() })
  return {
    async authenticate(authorization) {
      const token = /^Bearer +([A-Za-z0-9._-]+)$/i.exec(authorization ?? '')?.[1]
      if (token === undefined) return undefined
      const claims = await tokens.verify(token)
      // What the request reads next, it reads in the same turn.
      database.snapshot.hold()
      return claims && find(claims)
    },
    isSessionAlive: (principal) => find(principal) !== undefined,
  }
}
