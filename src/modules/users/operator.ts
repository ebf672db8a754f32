import { command, query } from '#src/database/steps.ts'
import { audit } from '#src/modules/audit/audit.ts'
import {
  endSessions,
  findView,
  listViews,
  type OperatorView,
  setTierOverride,
} from './statements.ts'

/** By id or by phone in E.164; undefined where there is none. */
export const getUserView = query('users.view', function* (tx, input: { key: string }) {
  return yield* tx.first(findView, input)
})

/** Newest first. */
export const getUserViews = query('users.views', function* (tx, input: { limit: number }) {
  return yield* tx.all(listViews, input)
})

interface TierToSet {
  userId: string
  /** Wins over the subscription; null lets the subscription decide again. */
  tier: OperatorView['tierOverride']
  now: number
}

export const setTier = command('users.set-tier', function* (tx, input: TierToSet) {
  const { userId, tier, now } = input
  yield* tx.run(setTierOverride, input)
  const detail = { tier: tier ?? 'by-subscription' }
  yield* audit.steps(tx, { at: now, event: 'tier.set', userId, actor: 'operator', detail })
})

/** Logs the user out everywhere; gives how many sessions ended. */
export const revokeSessions = command(
  'users.revoke-sessions',
  function* (tx, input: { userId: string; now: number }) {
    const { userId, now } = input
    const sessions = yield* tx.run(endSessions, input)
    const event = { at: now, event: 'sessions.revoked', userId, detail: { sessions } }
    yield* audit.steps(tx, { ...event, actor: 'operator' })
    return sessions
  },
)
