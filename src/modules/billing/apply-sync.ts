import { and, eq, notInArray } from 'drizzle-orm'
import { billingCustomers, checkoutSessions, subscriptions } from '#drizzle/schema.ts'
import { type Command, type Orm, type SyncTx, syncCommand } from '#src/database/command.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { userTopic } from '#src/plugins/topics.ts'
import type { Entitlements } from './entitlement.ts'
import { isLive, isTerminal, type Snapshot, type SubscriptionNow, TERMINAL } from './mirror.ts'

export interface ApplyDeps {
  entitlements: Pick<Entitlements, 'prepare'>
  proPrices: readonly string[]
  /** Asks for everything of a customer to be cancelled. */
  close(tx: SyncTx, customerId: string): void
}

/** Makes the mirror say what Stripe said, and tells the audit log when a tier changed by it. */
export function createApplySync(deps: ApplyDeps): Command<Snapshot, void> {
  const { entitlements, proPrices, close } = deps
  return syncCommand('billing.apply-sync', (connection) => {
    const { orm } = connection
    const explain = entitlements.prepare(connection)
    return (tx, snapshot) => {
      const { customerId, readAt, readUntil, gone } = snapshot
      const customer = orm
        .select()
        .from(billingCustomers)
        .where(eq(billingCustomers.id, customerId))
        .get()
      // Two reads may overtake each other; what began earlier knows less. One of the future was dated by a wrong clock.
      const syncedAt = customer?.syncedAt ?? 0
      if (!customer || (readAt < syncedAt && syncedAt <= readUntil)) return
      const { userId } = customer
      const before = userId === null ? undefined : explain(userId, readAt).tier
      const fresh = snapshot.subscriptions.filter((one) => upsert(orm, customerId, one, readAt))
      endAbsent(orm, snapshot)
      for (const { id, status } of snapshot.sessions) {
        orm.update(checkoutSessions).set({ status }).where(eq(checkoutSessions.id, id)).run()
      }
      const goneAt = gone ? (customer.goneAt ?? readAt) : null
      orm
        .update(billingCustomers)
        .set({ syncedAt: readAt, goneAt })
        .where(eq(billingCustomers.id, customerId))
        .run()
      if (userId === null) {
        // Paid after the account was deleted: nobody is left to use it.
        if (snapshot.subscriptions.some(({ status }) => !isTerminal(status))) close(tx, customerId)
        return
      }
      const after = explain(userId, readAt).tier
      const note = (event: string, detail: Record<string, string>) =>
        tx.run(audit, { at: readAt, event, userId, actor: 'system', detail })
      if (before !== undefined && before !== after) {
        note('tier.changed', { from: before, to: after, customerId })
        tx.notify(userTopic(userId), 'quota')
      }
      const live = snapshot.subscriptions.filter((one) => isLive(one, proPrices))
      if (live.length > 1 && live.some((one) => fresh.includes(one))) {
        note('billing.several-subscriptions', {
          customerId,
          ids: live.map(({ id }) => id).join(' '),
        })
      }
    }
  })
}

/** Gives whether it was not known before. */
function upsert(orm: Orm, customerId: string, one: SubscriptionNow, readAt: number): boolean {
  const former = orm.select().from(subscriptions).where(eq(subscriptions.id, one.id)).get()
  const { id, ...now } = one
  const values = {
    ...now,
    customerId,
    pastDueSince: pastDueSince(one, former, readAt),
    syncedAt: readAt,
  }
  orm
    .insert(subscriptions)
    .values({ id, ...values })
    .onConflictDoUpdate({ target: subscriptions.id, set: values })
    .run()
  return former === undefined
}

/** Stripe does not tell since when: not before the unpaid period began, and not before we last saw it paid. */
function pastDueSince(
  one: SubscriptionNow,
  former: { status: string; pastDueSince: number | null; syncedAt: number } | undefined,
  readAt: number,
): number | null {
  if (one.status !== 'past_due') return null
  if (former?.status === 'past_due' && former.pastDueSince !== null) return former.pastDueSince
  return Math.min(readAt, Math.max(one.periodStart ?? one.createdAt, former?.syncedAt ?? 0))
}

/** What Stripe lists no more has ended, whatever it was. */
function endAbsent(orm: Orm, { customerId, readAt, subscriptions: listed }: Snapshot): void {
  orm
    .update(subscriptions)
    .set({ status: 'canceled', syncedAt: readAt })
    .where(
      and(
        eq(subscriptions.customerId, customerId),
        notInArray(subscriptions.status, [...TERMINAL]),
        notInArray(
          subscriptions.id,
          listed.map(({ id }) => id),
        ),
      ),
    )
    .run()
}
