import type { Connection } from '#src/database/command.ts'
import type { Clock } from '#src/lib/clock.ts'
import { lazy } from '#src/lib/lazy.ts'
import { IS_SOMEBODY } from '#src/plugins/somebody.ts'
import type { Entitlements, Tier } from './entitlement.ts'

/** Rows of one statement: a millisecond or two, so that requests come in between. */
const USERS_A_STEP = 2_000
const CUSTOMERS_A_STEP = 200

type Place = { userId: string; customerId: string }

/**
 * Counts the users by tier as a prompt would find it: the entitlement decides, so grace, lease and a tier that an
 * operator set count. Rows that are erased, or hold a room that is, are no users. It walks all users and customers in
 * small steps and lets the event loop turn between them; what changes meanwhile may be counted either way.
 */
export function createCountTiers({
  database: { sqlite },
  entitlements,
  clock,
  livemode,
}: {
  database: Connection
  entitlements: Pick<Entitlements, 'read'>
  clock: Clock
  livemode: boolean
}): () => Promise<Record<Tier, number>> {
  // Walks the index of phones alone.
  const users = lazy(() =>
    sqlite.query<{ count: number; last: string | null }, [string]>(`
    SELECT count(*) FILTER (WHERE ${IS_SOMEBODY}) AS count, max(phone) AS last
    FROM (SELECT phone FROM users WHERE phone > ?1 ORDER BY phone LIMIT ${USERS_A_STEP})`),
  )

  // Walks users_tier_set, in which rows of one tier are in the order of their rowid.
  const setByHand = lazy(() =>
    sqlite.query<{ count: number; last: number | null }, [number]>(`
    SELECT count(*) FILTER (WHERE ${IS_SOMEBODY}) AS count, max(place) AS last
    FROM (SELECT rowid AS place, phone FROM users
      WHERE tier_override = 'pro' AND rowid > ?1 ORDER BY rowid LIMIT ${USERS_A_STEP})`),
  )

  // Walks billing_customers_by_user; at most one customer of a user is in our mode and not gone.
  const customers = lazy(() =>
    sqlite.query<
      Place & { mayBePro: number },
      [{ userId: string; customerId: string; livemode: number }]
    >(`
    SELECT c.user_id AS userId, c.id AS customerId,
      c.livemode = $livemode AND c.gone_at IS NULL
      AND EXISTS (SELECT 1 FROM users WHERE id = c.user_id AND tier_override IS NULL AND ${IS_SOMEBODY})
      AND EXISTS (SELECT 1 FROM subscriptions WHERE customer_id = c.id
        AND status IN ('active', 'trialing', 'past_due')) AS mayBePro
    FROM billing_customers c
    WHERE (c.user_id, c.id) > ($userId, $customerId)
    ORDER BY c.user_id, c.id LIMIT ${CUSTOMERS_A_STEP}`),
  )

  async function countUsers(): Promise<number> {
    let count = 0
    for (let after: string | null = ''; after !== null; ) {
      const step = users().get(after)
      count += step?.count ?? 0
      after = step?.last ?? null
      await nextTick()
    }
    return count
  }

  async function countSetByHand(): Promise<number> {
    let count = 0
    for (let after: number | null = 0; after !== null; ) {
      const step = setByHand().get(after)
      count += step?.count ?? 0
      after = step?.last ?? null
      await nextTick()
    }
    return count
  }

  async function countSubscribers(): Promise<number> {
    let count = 0
    for (let after: Place | undefined = { userId: '', customerId: '' }; after; ) {
      const { userId, customerId }: Place = after
      const step = customers().all({ userId, customerId, livemode: livemode ? 1 : 0 })
      const now = clock.now()
      for (const one of step) {
        if (one.mayBePro === 1 && entitlements.read(one.userId, now) === 'pro') count++
      }
      after = step.at(-1)
      await nextTick()
    }
    return count
  }

  return async () => {
    const pro = (await countSetByHand()) + (await countSubscribers())
    return { basic: Math.max(0, (await countUsers()) - pro), pro }
  }
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
