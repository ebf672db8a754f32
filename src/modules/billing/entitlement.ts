import { command, query, type ReadTx, type Steps } from '#src/database/steps.ts'
import { DAY, HOUR, MINUTE } from '#src/lib/time.ts'
import { enqueueSync } from './commands.ts'
import { findMirrored } from './statements.ts'

export type Tier = 'basic' | 'pro'

/** A subscription that Stripe has not confirmed counts this long after its period, so that an outage downgrades nobody. */
export const LEASE_MS = 72 * HOUR
/** News of a renewal takes a moment; a period that ended longer ago than this is read from Stripe again. */
const STALE_AFTER_MS = 10 * MINUTE

export interface BillingRules {
  /** Prices that make a user Pro. */
  proPrices: readonly string[]
  /** Whose customers count: those of the live mode or of the test mode. */
  livemode: boolean
  graceDays: number
}

/** What the mirror holds on one subscription that may count. */
export interface Mirrored {
  customerId: string
  status: string
  priceId: string | null
  periodEnd: number | null
  cancelAtPeriodEnd: boolean
  pastDueSince: number | null
  syncedAt: number
}

export interface Entitlement {
  tier: Tier
  /** The subscription that decided, or the best there is. */
  by: Mirrored | undefined
  /** Until when a failed payment is forgiven; null where none failed. */
  graceUntil: number | null
  /** The customer whose mirror is too old to go on with. */
  stale: string | undefined
}

interface Asked {
  userId: string
  now: number
}

/** The tier of a user, by the mirror alone: no network, no cache, and right at the very next prompt. */
export function createTiers(rules: BillingRules) {
  return {
    /** One statement; enqueues a sync where the mirror is stale. */
    command: command('billing.tier', function* (tx, { userId, now }: Asked) {
      const { tier, stale } = yield* explain(tx, { userId, now, rules })
      if (stale !== undefined) {
        yield* enqueueSync.steps(tx, { customerId: stale, why: 'stale', now })
      }
      return tier
    }),
    /** The same for callers that only read. */
    query: query('billing.tier', function* (tx, { userId, now }: Asked) {
      return (yield* explain(tx, { userId, now, rules })).tier
    }),
  }
}

/** The tier of a user and what decided it, as a part of a command or a query. */
export function* explain(
  tx: ReadTx,
  { userId, now, rules }: Asked & { rules: BillingRules },
): Steps<Entitlement> {
  const rows = yield* tx.all(findMirrored, { userId, livemode: rules.livemode ? 1 : 0 })
  const mirrored: Mirrored[] = []
  for (const row of rows) {
    if (row.customerId === null) continue
    mirrored.push({ ...row, cancelAtPeriodEnd: row.cancelAtPeriodEnd === 1 })
  }
  return decide(rules, rows[0]?.override ?? null, mirrored, now)
}

/** The tier as of `now` of a user of whom the mirror holds `mirrored`. */
export function decide(
  rules: BillingRules,
  override: Tier | null,
  mirrored: readonly Mirrored[],
  now: number,
): Entitlement {
  let stale: string | undefined
  let graceUntil: number | null = null
  let by: Mirrored | undefined
  let paid = false
  for (const one of mirrored) {
    if (one.priceId === null || !rules.proPrices.includes(one.priceId)) continue
    if (isStale(one, now)) stale = one.customerId
    const until = paidUntil(one, rules)
    if (one.status === 'past_due' && !paid) graceUntil = Math.max(graceUntil ?? 0, until)
    if (now >= until) {
      by ??= one
      continue
    }
    // A paid subscription counts before a forgiven one.
    if (!paid) by = one
    if (one.status !== 'past_due') paid = true
  }
  if (paid) graceUntil = null
  const entitled = by !== undefined && now < paidUntil(by, rules)
  return { tier: override ?? (entitled ? 'pro' : 'basic'), by, graceUntil, stale }
}

/** The first instant at which this subscription, as mirrored, no longer makes Pro. */
function paidUntil(one: Mirrored, { graceDays }: BillingRules): number {
  switch (one.status) {
    case 'active':
    case 'trialing':
      return confirmedUntil(one) + LEASE_MS
    case 'past_due':
      return (one.pastDueSince ?? one.syncedAt) + graceDays * DAY
    default:
      // Ended, unpaid, paused, incomplete, or a status that Stripe adds later.
      return 0
  }
}

/** The end of the period that Stripe gave, or the moment it last confirmed the status. */
function confirmedUntil({ periodEnd, syncedAt }: Mirrored): number {
  return Math.max(periodEnd ?? 0, syncedAt)
}

function isStale(one: Mirrored, now: number): boolean {
  return ['active', 'trialing'].includes(one.status) && confirmedUntil(one) + STALE_AFTER_MS < now
}
