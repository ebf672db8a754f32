import { desc, eq, or, sql } from 'drizzle-orm'
import { users } from '#drizzle/schema.ts'
import { syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { NUMBER_DIGEST } from '#src/plugins/somebody.ts'

/** A user as an operator sees one. */
export interface OperatorView {
  id: string
  phone: string
  name: string | null
  tierOverride: 'basic' | 'pro' | null
  verifiedAt: number | null
  createdAt: number
  livingSessions: number
  numberDigest: string
}

type TierOverride = OperatorView['tierOverride']

const columns = {
  id: users.id,
  phone: users.phone,
  name: users.name,
  tierOverride: users.tierOverride,
  verifiedAt: users.verifiedAt,
  createdAt: users.createdAt,
  // Written out: in a select of one table Drizzle writes a bare "id", which would be the session's.
  numberDigest: sql<string>`${sql.raw(NUMBER_DIGEST)}`,
  livingSessions: sql<number>`(SELECT count(*) FROM sessions WHERE user_id = users.id AND ended_at IS NULL)`,
}

const setTier = syncCommand(
  'users.set-tier',
  ({ orm }) =>
    (tx, { userId, tier, now }: { userId: string; tier: TierOverride; now: number }): void => {
      orm
        .update(users)
        .set({ tierOverride: tier, updatedAt: now })
        .where(eq(users.id, userId))
        .run()
      const detail = { tier: tier ?? 'by-subscription' }
      tx.run(audit, { at: now, event: 'tier.set', userId, actor: 'operator', detail })
    },
)

const revokeSessions = syncCommand('users.revoke-sessions', ({ sqlite }) => {
  const end = sqlite.query<unknown, [{ userId: string; now: number }]>(
    'UPDATE sessions SET ended_at = $now WHERE user_id = $userId AND ended_at IS NULL',
  )
  return (tx, input: { userId: string; now: number }): number => {
    const { changes } = end.run(input)
    const { userId, now } = input
    const detail = { sessions: changes }
    tx.run(audit, { at: now, event: 'sessions.revoked', userId, actor: 'operator', detail })
    return changes
  }
})

/** What an operator asks and does; each deed is written into the audit log with it. */
export function createOperator(database: Database) {
  const find = database.orm
    .select(columns)
    .from(users)
    .where(or(eq(users.id, sql.placeholder('key')), eq(users.phone, sql.placeholder('key'))))
    .prepare()
  const list = database.orm
    .select(columns)
    .from(users)
    // Ids are UUIDv7: the key is the order of signing up.
    .orderBy(desc(users.id))
    .limit(sql.placeholder('limit'))
    .prepare()
  return {
    /** By id or by phone in E.164. */
    find: (key: string): OperatorView | undefined => find.get({ key }),
    /** Newest first. */
    list: (limit: number): OperatorView[] => list.all({ limit }),
    /** What the operator says wins over Stripe; null gives Stripe the word back. */
    setTier: (input: { userId: string; tier: TierOverride; now: number }) =>
      database.execute(setTier, input),
    /** Logs the user out everywhere; gives how many sessions ended. */
    revokeSessions: (input: { userId: string; now: number }) =>
      database.execute(revokeSessions, input),
  }
}
