import { sql } from 'drizzle-orm'
import { otpChallenges as table } from '#drizzle/schema.ts'
import { statement, update } from '#src/database/statement.ts'

/** By the primary key: marks that a code that is still valid is about to be handed over. */
export const beginDelivery = statement<
  { challengeId: string; again: number; now: number },
  { phone: string }
>(
  (p) => sql`${update(table, { deliveryBeganAt: p.now })}
    WHERE ${table.id} = ${p.challengeId} AND ${table.userId} IS NOT NULL
      AND ${table.endedAt} IS NULL AND ${table.expiresAt} > ${p.now}
      AND (${table.deliveryBeganAt} IS NULL OR ${p.again} = 1)
    RETURNING phone`,
)

/** By the primary key. */
export const findBegunDelivery = statement<{ challengeId: string }, { id: string }>(
  (p) => sql`SELECT ${table.id} AS id FROM ${table}
    WHERE ${table.id} = ${p.challengeId} AND ${table.deliveryBeganAt} IS NOT NULL`,
)

/** By the primary key. */
export const clearDelivery = statement<{ challengeId: string }>(
  (p) => sql`${update(table, { deliveryBeganAt: null })} WHERE ${table.id} = ${p.challengeId}`,
)
