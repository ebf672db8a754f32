import { eq } from 'drizzle-orm'
import { billingCustomers } from '#drizzle/schema.ts'
import { type Command, type SyncTx, syncCommand } from '#src/database/command.ts'
import type { Queue } from '#src/queue/queue.ts'
import { laneOf } from './enqueue-sync.ts'

export const CLOSE = 'billing.close'

/** Asks for a customer's open sessions to be expired and its subscriptions to be cancelled, however long it takes. */
export function enqueueClose(queue: Queue, tx: SyncTx, customerId: string): void {
  queue.enqueue(tx, {
    kind: CLOSE,
    lane: laneOf(customerId),
    body: { customerId },
    dedupeKey: `${CLOSE}:${customerId}`,
  })
}

/** Runs in the transaction that deletes an account, before the row of the user goes. */
export function createCloseAccount(queue: Queue): Command<{ userId: string }, void> {
  return syncCommand('billing.close-account', ({ orm }) => (tx, { userId }) => {
    const customers = orm
      .select({ id: billingCustomers.id })
      .from(billingCustomers)
      .where(eq(billingCustomers.userId, userId))
      .all()
    for (const { id } of customers) {
      // Whoever has this page can see the invoices.
      orm
        .update(billingCustomers)
        .set({ portalUrl: null, portalUntil: null })
        .where(eq(billingCustomers.id, id))
        .run()
      enqueueClose(queue, tx, id)
    }
  })
}
