import { command } from '#src/database/steps.ts'
import { DAY } from '#src/lib/time.ts'
import { pruneAudit } from '#src/modules/audit/audit.ts'
import { pruneLimits } from '#src/modules/limits/commands.ts'
import { removeOldChallenges } from './challenge-statements.ts'
import { removeOldSessions, removeOldTokens } from './session-statements.ts'

/** Of each table at once, so that a prune after a long pause does not hold up other writes. */
const LIMIT = 5_000

/** Sessions that are over are kept this long, so that questions of their owners can be answered. */
const ENDED_KEPT_MS = 30 * DAY

/** Deletes codes a day after their end, sessions a month after theirs, and audit entries as configured. */
export const pruneAccounts = command(
  'auth.prune',
  function* (tx, input: { now: number; refreshTtlMs: number; auditKeptMs: number }) {
    const { now, refreshTtlMs, auditKeptMs } = input
    const limit = LIMIT
    return {
      challenges: yield* tx.run(removeOldChallenges, { expiredBefore: now - DAY, limit }),
      tokens: yield* tx.run(removeOldTokens, { createdBefore: now - refreshTtlMs, limit }),
      sessions: yield* tx.run(removeOldSessions, { expiredBefore: now - ENDED_KEPT_MS, limit }),
      limits: yield* pruneLimits.steps(tx, { now }),
      audit: yield* pruneAudit.steps(tx, { before: now - auditKeptMs, limit }),
    }
  },
)
