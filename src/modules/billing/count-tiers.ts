import type { Database } from '#src/database/sqlite/open.ts'
import { query } from '#src/database/steps.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type BillingRules, explain, type Tier } from './entitlement.ts'
import { countProByOperator, countUsersAfter, listCustomersAfter } from './statements.ts'

/** Rows of one statement: a millisecond or two, so that requests run in between. */
const USERS_A_STEP = 2_000
const CUSTOMERS_A_STEP = 200

type Place = { userId: string; customerId: string }

const countUsersStep = query('billing.count-users', (tx, { phone }: { phone: string }) =>
  tx.first(countUsersAfter, { phone, limit: USERS_A_STEP }),
)

/** An operator sets tiers one by one, so these are few enough for one step. */
const countByOperator = query('billing.count-by-operator', (tx) => tx.first(countProByOperator, {}))

const countSubscribersStep = query(
  'billing.count-subscribers',
  function* (tx, { place, now, rules }: { place: Place; now: number; rules: BillingRules }) {
    const livemode = Number(rules.livemode)
    const rows = yield* tx.all(listCustomersAfter, { ...place, livemode, limit: CUSTOMERS_A_STEP })
    let count = 0
    for (const { userId, mayBePro } of rows) {
      if (mayBePro === 1 && (yield* explain(tx, { userId, now, rules })).tier === 'pro') count++
    }
    return { count, last: rows.at(-1) ?? null }
  },
)

/**
 * Counts the users by tier as their next prompt would find it: grace, lease and a tier that an operator set count. Rows
 * that are erased, or hold a room that is, are no users. It walks all users and customers in small steps, between which
 * the event loop runs; a change meanwhile may or may not be counted.
 */
export function createCountTiers({
  database,
  rules,
  clock,
}: {
  database: Database
  rules: BillingRules
  clock: Clock
}): () => Promise<Record<Tier, number>> {
  return async () => {
    const byOperator = (await database.read(countByOperator, {}))?.count ?? 0
    const subscribers = await walk<Place>({ userId: '', customerId: '' }, (place) =>
      database.read(countSubscribersStep, { place, now: clock.now(), rules }),
    )
    const users = await walk('', (phone) => database.read(countUsersStep, { phone }))
    const pro = byOperator + subscribers
    return { basic: Math.max(0, users - pro), pro }
  }
}

/** Adds up the counts of the steps, each of which starts where the one before ended. */
async function walk<P>(
  start: P,
  step: (after: P) => Promise<{ count: number; last: P | null } | undefined>,
): Promise<number> {
  let total = 0
  for (let after: P | null = start; after !== null; ) {
    const found: { count: number; last: P | null } | undefined = await step(after)
    total += found?.count ?? 0
    after = found?.last ?? null
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return total
}
