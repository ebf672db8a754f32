import { type Command, syncCommand } from '#src/database/command.ts'
import { DAY } from '#src/lib/time.ts'
import { pruneLimits } from '#src/modules/limits/commands.ts'

/** Of each table at once, so that a prune after a long pause does not hold up the others. */
const MOST = 5_000

/** Sessions that are over stay this long, so that an owner who asks can be told. */
const ENDED_KEPT_MS = 30 * DAY

export interface Pruned {
  challenges: number
  tokens: number
  sessions: number
  limits: number
  audit: number
}

/** Forgets what has had its time: codes after a day, sessions a month after their end, audit entries as set. */
export const pruneAccounts: Command<
  { now: number; refreshTtlMs: number; auditKeptMs: number },
  Pruned
> = syncCommand('auth.prune', ({ sqlite }) => {
  const drop = (table: string, where: string) =>
    sqlite.query<unknown, [number]>(
      `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE ${where} LIMIT ${MOST})`,
    )
  // Uses otp_expiring, refresh_tokens_by_age, sessions_expiring and audit_by_time.
  const challenges = drop('otp_challenges', 'expires_at < ?1')
  const tokens = drop('refresh_tokens', 'created_at < ?1 AND rotated_at IS NOT NULL')
  const sessions = drop('sessions', 'expires_at < ?1')
  const audit = drop('audit_log', 'at < ?1')
  return (tx, { now, refreshTtlMs, auditKeptMs }) => ({
    challenges: challenges.run(now - DAY).changes,
    tokens: tokens.run(now - refreshTtlMs).changes,
    sessions: sessions.run(now - ENDED_KEPT_MS).changes,
    limits: tx.run(pruneLimits, { now }),
    audit: audit.run(now - auditKeptMs).changes,
  })
})
