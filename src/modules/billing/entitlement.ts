import { type Command, type Connection, syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { DAY, HOUR, MINUTE } from '#src/lib/time.ts'
import type { EnqueueSync } from './enqueue-sync.ts'

export type Tier = 'basic' | 'pro'

/** Without a word from Stripe a subscription still counts this long after its period: an outage downgrades nobody. */
export const LEASE_MS = 72 * HOUR
/** A renewal takes a moment to be told; past this a period end in the past is looked into. */
const STALE_AFTER_MS = 10 * MINUTE

export interface EntitlementRules {
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

/** Tells a user's tier by the mirror alone: no network, no cache, right at the very next prompt. */
export interface Entitlements {
  /** One indexed statement in the caller's transaction; asks for a sync where the mirror is stale. */
  command: Command<{ userId: string; now: number }, Tier>
  read(userId: string, now: number): Tier
  explain(userId: string, now: number): Entitlement
  /** The same for another command, which asks within its own transaction. */
  prepare(connection: Connection): (userId: string, now: number) => Entitlement
}

export function createEntitlements({
  database,
  enqueueSync,
  rules,
}: {
  database: Database
  enqueueSync: EnqueueSync
  rules: EntitlementRules
}): Entitlements {
  const explain = prepareExplain(database, rules)
  return {
    command: syncCommand('billing.tier', (connection) => {
      const explainHere = prepareExplain(connection, rules)
      return (tx, { userId, now }) => {
        const { tier, stale } = explainHere(userId, now)
        if (stale !== undefined) tx.run(enqueueSync, { customerId: stale, why: 'stale' })
        return tier
      }
    }),
    explain,
    prepare: (connection) => prepareExplain(connection, rules),
    read: (userId, now) => explain(userId, now).tier,
  }
}

/** The tier as of `now` of a user of whom the mirror holds `mirrored`. */
export function decide(
  rules: EntitlementRules,
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
    // A paid subscription speaks louder than a forgiven one.
    if (!paid) by = one
    if (one.status !== 'past_due') paid = true
  }
  if (paid) graceUntil = null
  const entitled = by !== undefined && now < paidUntil(by, rules)
  return { tier: override ?? (entitled ? 'pro' : 'basic'), by, graceUntil, stale }
}

/** The first instant at which this subscription, as mirrored, entitles to nothing. */
function paidUntil(one: Mirrored, { graceDays }: EntitlementRules): number {
  switch (one.status) {
    case 'active':
    case 'trialing':
      return confirmedUntil(one) + LEASE_MS
    case 'past_due':
      return (one.pastDueSince ?? one.syncedAt) + graceDays * DAY
    default:
      // Ended, unpaid, paused, incomplete, or a word Stripe has yet to invent.
      return 0
  }
}

/** Stripe's last word: the period it told of, or the moment it last confirmed the status. */
function confirmedUntil({ periodEnd, syncedAt }: Mirrored): number {
  return Math.max(periodEnd ?? 0, syncedAt)
}

function isStale(one: Mirrored, now: number): boolean {
  return ['active', 'trialing'].includes(one.status) && confirmedUntil(one) + STALE_AFTER_MS < now
}

/**
 * Uses the key of users, billing_customers_of_user and subscriptions_of_customer. Written out because it
 * runs at each prompt, and building Drizzle's rows costs several times the statement.
 */
export const EXPLAIN = `
  SELECT users.tier_override AS override, s.customer_id AS customerId, s.status AS status,
    s.price_id AS priceId, s.period_end AS periodEnd, s.cancel_at_period_end AS cancelAtPeriodEnd,
    s.past_due_since AS pastDueSince, s.synced_at AS syncedAt
  FROM users
  LEFT JOIN billing_customers c ON c.user_id = users.id AND c.livemode = $livemode AND c.gone_at IS NULL
  LEFT JOIN subscriptions s ON s.customer_id = c.id AND s.status IN ('active', 'trialing', 'past_due')
  WHERE users.id = $userId`

/** One of the user's subscriptions, or nulls where there is none. */
type Row = { override: Tier | null } & (
  | (Omit<Mirrored, 'cancelAtPeriodEnd'> & { cancelAtPeriodEnd: number })
  | { customerId: null }
)

function prepareExplain(
  { sqlite }: Connection,
  rules: EntitlementRules,
): (userId: string, now: number) => Entitlement {
  const livemode = rules.livemode ? 1 : 0
  const find = sqlite.query<Row, [{ userId: string; livemode: number }]>(EXPLAIN)
  return (userId, now) => {
    const rows = find.all({ userId, livemode })
    const mirrored: Mirrored[] = []
    for (const row of rows) {
      if (row.customerId === null) continue
      mirrored.push({ ...row, cancelAtPeriodEnd: row.cancelAtPeriodEnd === 1 })
    }
    return decide(rules, rows[0]?.override ?? null, mirrored, now)
  }
}
