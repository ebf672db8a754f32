import type Stripe from 'stripe'
import type { Clock } from '#src/lib/clock.ts'
import { DAY, HOUR, SECOND } from '#src/lib/time.ts'
import type { BillingStore, StripeEventSeen } from './store.ts'
import { toEventSeen } from './webhook.ts'

export const RECONCILE = 'billing.reconcile'

/** Stripe keeps its list of events this long, and so do we. */
export const EVENTS_KEPT_MS = 30 * DAY
/** An event may have been made before the last one we saw and yet not have been listed then. */
const OVERLAP_MS = HOUR
const PAGE = 100

/**
 * Makes up for whatever we did not hear: takes in the events since the last reconcile as if they had been
 * delivered, then asks for a sync of every customer that can still change.
 */
export function createReconcile({
  stripe,
  store,
  clock,
}: {
  stripe: Stripe
  store: BillingStore
  clock: Clock
}) {
  return async (signal: AbortSignal): Promise<void> => {
    const startedAt = clock.now()
    const since = ((await store.eventsUntil()) ?? startedAt - EVENTS_KEPT_MS) - OVERLAP_MS
    let batch: StripeEventSeen[] = []
    const take = async () => {
      const events = batch
      batch = []
      await store.recordEvents({ events, now: clock.now() })
    }
    const list = stripe.events.list({ created: { gte: Math.floor(since / SECOND) }, limit: PAGE })
    for await (const event of list) {
      signal.throwIfAborted()
      const seen = toEventSeen(event)
      if (seen) batch.push(seen)
      if (batch.length === PAGE) await take()
    }
    await take()
    await store.setEventsUntil(startedAt)
    for (let after = ''; ; ) {
      signal.throwIfAborted()
      const ids = await store.enqueueSyncs({ after, limit: PAGE })
      const last = ids.at(-1)
      if (last === undefined) return
      after = last
    }
  }
}
