import type { Database } from '#src/database/sqlite/open.ts'
import { query } from '#src/database/steps.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Authenticate, Principal } from '#src/plugins/auth.ts'
import { findLivingSession } from './session-statements.ts'
import type { AccessTokens } from './tokens.ts'

export interface Authentication {
  /** Verifies the token, then asks in one statement whether its session is alive and its user exists. */
  authenticate: Authenticate
  /** The same statement alone, for what outlives its request: a stream. */
  isSessionAlive: (principal: Session) => Promise<boolean>
}

type Session = Pick<Principal, 'userId' | 'sessionId'>

const getLivingSession = query(
  'auth.living-session',
  function* (tx, session: Session & { now: number }) {
    return yield* tx.first(findLivingSession, session)
  },
)

export function createAuthentication({
  database,
  tokens,
  clock,
}: {
  database: Database
  tokens: AccessTokens
  clock: Clock
}): Authentication {
  return {
    async authenticate(authorization) {
      const token = /^Bearer +([A-Za-z0-9._-]+)$/i.exec(authorization ?? '')?.[1]
      if (token === undefined) return undefined
      const claims = await tokens.verify(token)
      if (!claims) return undefined
      return await database.read(getLivingSession, { ...claims, now: clock.now() })
    },
    async isSessionAlive({ userId, sessionId }) {
      const session = { userId, sessionId, now: clock.now() }
      return (await database.read(getLivingSession, session)) !== undefined
    },
  }
}
