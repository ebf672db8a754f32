import { type Command, syncCommand } from '#src/database/command.ts'
import type { Queue } from '#src/queue/queue.ts'

export const SYNC = 'billing.sync'

/** Why a customer is read from Stripe again; only for the log. */
export type SyncCause = 'event' | 'stale' | 'reconcile'

export type EnqueueSync = Command<{ customerId: string; why: SyncCause }, void>

/**
 * Asks for one customer's subscriptions to be read from Stripe. Its lane is the customer, so syncs of one
 * run one after the other; one that waits will see what happened up to now, so at most one ever waits,
 * while a running one may have read too early and is followed by another.
 */
export function createEnqueueSync(queue: Queue): EnqueueSync {
  return syncCommand('billing.enqueue-sync', () => (tx, { customerId, why }) => {
    const lane = laneOf(customerId)
    if (queue.waits(tx, { lane, kind: SYNC })) return
    queue.enqueue(tx, { kind: SYNC, lane, body: { customerId, why } })
  })
}

/** Everything that changes or reads one customer happens in this order. */
export function laneOf(customerId: string): string {
  return `stripe:${customerId}`
}
