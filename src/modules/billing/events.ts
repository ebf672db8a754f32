import { eq, lt, sql } from 'drizzle-orm'
import { billingCustomers, stripeEvents } from '#drizzle/schema.ts'
import { type Command, syncCommand } from '#src/database/command.ts'
import { audit } from '#src/modules/audit/audit.ts'
import type { EnqueueSync } from './enqueue-sync.ts'
import type { Recorded, StripeEventSeen } from './store.ts'

export interface RecordDeps {
  livemode: boolean
  enqueueSync: EnqueueSync
}

type Input = { events: StripeEventSeen[]; now: number }

/** Takes events in: each once, and in the same commit the sync of its customer. */
export function createRecordEvents(deps: RecordDeps): Command<Input, Recorded[]> {
  const { livemode, enqueueSync } = deps
  return syncCommand('billing.record-events', ({ orm }) => {
    const customerById = orm
      .select({ userId: billingCustomers.userId })
      .from(billingCustomers)
      .where(eq(billingCustomers.id, sql.placeholder('id')))
      .prepare()
    return (tx, { events, now }) =>
      events.map((event): Recorded => {
        const { id, type, customerId, createdAt } = event
        const customer = customerId === null ? undefined : customerById.get({ id: customerId })
        const ours = event.livemode === livemode
        const queued = ours && event.relevant && customer !== undefined
        const state = queued ? 'queued' : 'ignored'
        const inserted = orm
          .insert(stripeEvents)
          .values({ id, type, customerId, state, createdAt, receivedAt: now })
          .onConflictDoNothing()
          .returning({ id: stripeEvents.id })
          .all()
        if (inserted.length === 0) return 'duplicate'
        if (queued && customerId !== null) tx.run(enqueueSync, { customerId, why: 'event' })
        if (ours && event.notice) {
          const userId = customer?.userId ?? null
          tx.run(audit, {
            at: now,
            event: `billing.${type}`,
            userId,
            actor: 'system',
            detail: event.notice,
          })
        }
        return state
      })
  })
}

export const pruneEvents: Command<{ before: number }, number> = syncCommand(
  'billing.prune-events',
  ({ orm }) =>
    (_tx, { before }) =>
      orm
        .delete(stripeEvents)
        .where(lt(stripeEvents.receivedAt, before))
        .returning({ id: stripeEvents.id })
        .all().length,
)
