import type Stripe from 'stripe'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { DAY, HOUR, SECOND } from '#src/lib/time.ts'
import { enqueueSyncs, recordEvents, type StripeEventSeen, setEventsUntil } from './commands.ts'
import { eventsUntil } from './queries.ts'
import { toEventSeen } from './webhook.ts'

/** Stripe keeps its list of events this long; so does the database. */
export const EVENTS_KEPT_MS = 30 * DAY
/** An event may be listed later than another one that was made after it. */
const OVERLAP_MS = HOUR
const PAGE = 100

/**
 * Makes up for missed deliveries: records the events since the last reconcile as if they had been delivered, then
 * enqueues a sync of every customer that can still change.
 */
export function createReconcile({
  stripe,
  database,
  clock,
  livemode,
}: {
  stripe: Stripe
  database: Database
  clock: Clock
  livemode: boolean
}) {
  return async (signal: AbortSignal): Promise<void> => {
    const startedAt = clock.now()
    const until = await database.read(eventsUntil, { livemode })
    const since = (until ?? startedAt - EVENTS_KEPT_MS) - OVERLAP_MS
    let batch: StripeEventSeen[] = []
    const take = async () => {
      const events = batch
      batch = []
      await database.run(recordEvents, { events, livemode, now: clock.now() })
    }
    const list = stripe.events.list({ created: { gte: Math.floor(since / SECOND) }, limit: PAGE })
    for await (const event of list) {
      signal.throwIfAborted()
      const seen = toEventSeen(event)
      if (seen) batch.push(seen)
      if (batch.length === PAGE) await take()
    }
    await take()
    await database.run(setEventsUntil, { livemode, until: startedAt })
    for (let after = ''; ; ) {
      signal.throwIfAborted()
      const page = { after, limit: PAGE, livemode, now: clock.now() }
      const ids = await database.run(enqueueSyncs, page)
      const last = ids.at(-1)
      if (last === undefined) return
      after = last
    }
  }
}
