import { query } from '#src/database/steps.ts'
import { type BillingRules, explain } from './entitlement.ts'
import { findLivingCustomer, findUser, listSubscriptions } from './statements.ts'
import { findCursor, listOpenSessions } from './stripe-statements.ts'

/** A user's customer that was not deleted at Stripe. */
export interface Customer {
  id: string
  /** The last page of the customer portal; null where none was made, or the account is deleted. */
  portal: { url: string; until: number } | null
}

/** The user's living customer of our mode. */
export const findCustomerOf = query(
  'billing.customer-of',
  function* (tx, { userId, livemode }: { userId: string; livemode: boolean }) {
    const found = yield* tx.first(findLivingCustomer, { userId, livemode: Number(livemode) })
    if (!found) return undefined
    const { id, portalUrl: url, portalUntil: until } = found
    const customer: Customer = {
      id,
      portal: url === null || until === null ? null : { url, until },
    }
    return customer
  },
)

/** What decides the tier of a user, and all subscriptions, the newest first; undefined where the user is gone. */
export const findStanding = query(
  'billing.standing',
  function* (tx, asked: { userId: string; now: number; rules: BillingRules }) {
    const { userId, rules } = asked
    const user = yield* tx.first(findUser, { userId })
    if (!user) return undefined
    const entitlement = yield* explain(tx, asked)
    const livemode = Number(rules.livemode)
    const customer = yield* tx.first(findLivingCustomer, { userId, livemode })
    const rows = customer ? yield* tx.all(listSubscriptions, { customerId: customer.id }) : []
    const subscriptions = rows.map(({ status, periodEnd, cancelAtPeriodEnd }) => {
      return { status, periodEnd, cancelAtPeriodEnd: cancelAtPeriodEnd === 1 }
    })
    return { phone: user.phone, ...entitlement, subscriptions }
  },
)

/** The checkout sessions of a customer that were open when last read, the newest first. */
export const openSessions = query(
  'billing.open-sessions',
  function* (tx, { customerId }: { customerId: string }) {
    return yield* tx.all(listOpenSessions, { customerId })
  },
)

/** Up to which instant Stripe's list of events was read. */
export const eventsUntil = query(
  'billing.events-until',
  function* (tx, { livemode }: { livemode: boolean }) {
    return (yield* tx.first(findCursor, { livemode: Number(livemode) }))?.eventsUntil
  },
)
