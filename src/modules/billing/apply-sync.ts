import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { userTopic } from '#src/plugins/topics.ts'
import { enqueueClose } from './commands.ts'
import { type BillingRules, explain } from './entitlement.ts'
import { isLive, isTerminal, type Snapshot, type SubscriptionNow } from './mirror.ts'
import {
  endSubscription,
  findCustomer,
  listSubscriptions,
  markSynced,
  type SubscriptionRow,
  storeSubscription,
} from './statements.ts'
import { setSessionStatus } from './stripe-statements.ts'

interface Sync {
  snapshot: Snapshot
  rules: BillingRules
}

/** Makes the mirror say what Stripe said. Where that changes the tier, writes it to the audit log and notifies the user. */
export const applySync = command('billing.apply-sync', function* (tx, { snapshot, rules }: Sync) {
  const { customerId, readAt, readUntil, gone } = snapshot
  const customer = yield* tx.first(findCustomer, { customerId })
  // Of two reads that overtake each other the one that began earlier knows less. One that is dated after the end of this
  // one was dated by a wrong clock.
  const syncedAt = customer?.syncedAt ?? 0
  if (!customer || (readAt < syncedAt && syncedAt <= readUntil)) return
  const { userId } = customer
  const asked = { now: readAt, rules }
  const before = userId === null ? undefined : (yield* explain(tx, { ...asked, userId })).tier
  const added = yield* mirror(tx, snapshot)
  const goneAt = gone ? (customer.goneAt ?? readAt) : null
  yield* tx.run(markSynced, { customerId, syncedAt: readAt, goneAt })
  if (userId === null) {
    // Paid after the account was deleted: no user is left who could use it.
    if (snapshot.subscriptions.some(({ status }) => !isTerminal(status))) {
      yield* enqueueClose.steps(tx, { customerId, now: readUntil })
    }
    return
  }
  const entry = { at: readAt, userId, actor: 'system' as const }
  const after = (yield* explain(tx, { ...asked, userId })).tier
  if (before !== undefined && before !== after) {
    const detail = { from: before, to: after, customerId }
    yield* audit.steps(tx, { ...entry, event: 'tier.changed', detail })
    tx.notify(userTopic(userId), 'quota')
  }
  const live = snapshot.subscriptions.filter((one) => isLive(one, rules.proPrices))
  if (live.length > 1 && live.some((one) => added.includes(one))) {
    const detail = { customerId, ids: live.map(({ id }) => id).join(' ') }
    yield* audit.steps(tx, { ...entry, event: 'billing.several-subscriptions', detail })
  }
})

/** Stores what was read; gives the subscriptions that were not known before. */
function* mirror(tx: Tx, snapshot: Snapshot): Steps<SubscriptionNow[]> {
  const { customerId, readAt, subscriptions, sessions } = snapshot
  const rows = yield* tx.all(listSubscriptions, { customerId })
  const former = new Map(rows.map((row) => [row.id, row]))
  for (const { cancelAtPeriodEnd, paused, ...one } of subscriptions) {
    yield* tx.run(storeSubscription, {
      ...one,
      cancelAtPeriodEnd: Number(cancelAtPeriodEnd),
      paused: Number(paused),
      customerId,
      pastDueSince: pastDueSince(one, former.get(one.id), readAt),
      syncedAt: readAt,
    })
  }
  const listed = new Set(subscriptions.map(({ id }) => id))
  for (const { id, status } of rows) {
    // A subscription that Stripe no longer lists has ended.
    if (listed.has(id) || isTerminal(status)) continue
    yield* tx.run(endSubscription, { id, syncedAt: readAt })
  }
  for (const session of sessions) yield* tx.run(setSessionStatus, session)
  return subscriptions.filter(({ id }) => !former.has(id))
}

/** Stripe does not say since when: not before the unpaid period began, and not before we last saw it paid. */
function pastDueSince(
  one: Pick<SubscriptionNow, 'status' | 'periodStart' | 'createdAt'>,
  former: SubscriptionRow | undefined,
  readAt: number,
): number | null {
  if (one.status !== 'past_due') return null
  if (former?.status === 'past_due' && former.pastDueSince !== null) return former.pastDueSince
  return Math.min(readAt, Math.max(one.periodStart ?? one.createdAt, former?.syncedAt ?? 0))
}
