import type { Command } from '#src/database/command.ts'
import type { Flight } from './attempts.ts'
import type { Snapshot } from './mirror.ts'

export interface Customer {
  id: string
  /** Null once the account is deleted. */
  userId: string | null
  /** Null where none was made, or the account is deleted. */
  portal: Portal | null
}

/** A page of the customer portal, and until when it is given again. */
export interface Portal {
  url: string
  until: number
}

export interface Checkout {
  id: string
  url: string
  expiresAt: number
}

/** A delivered event, reduced to what we believe of it: that something happened to a customer. */
export interface StripeEventSeen {
  id: string
  type: string
  customerId: string | null
  livemode: boolean
  createdAt: number
  /** Whether its type concerns the mirror. */
  relevant: boolean
  /** For refunds and disputes: what the operator should see. */
  notice: Record<string, string | number | null> | null
}

export type Recorded = 'queued' | 'ignored' | 'duplicate'

/** What billing asks of the database. Each method is one atomic unit. */
export interface BillingStore {
  phoneOf(userId: string): string | undefined
  /** The user's living customer of our mode. */
  customerOf(userId: string): Promise<Customer | undefined>
  /** Subscriptions of a customer, newest first. */
  subscriptionsOf(customerId: string): Promise<MirroredSubscription[]>
  openSessions(customerId: string): Promise<string[]>
  /** The customer's open session with at least `leastMs` to go. */
  openCheckout(input: {
    customerId: string
    now: number
    leastMs: number
  }): Promise<Checkout | undefined>
  /** The key a creating call is made under: the same until it is known to have succeeded or failed. */
  claimAttempt(input: { scope: string; now: number }): Promise<string>
  /** Stripe answered that it failed: the next try is another call. */
  dropAttempt(scope: string): Promise<void>
  /** Undefined while another process calls Stripe for the user. */
  claimFlight(input: { userId: string; now: number }): Promise<Flight | undefined>
  endFlight(flight: Flight): Promise<void>
  /** Keeps the customer's last page of the portal; nothing where the account is deleted. */
  keepPortal(input: { customerId: string; portal: Portal }): Promise<void>
  /** False when the user is gone. */
  addCustomer(input: {
    userId: string
    customerId: string
    scope: string
    now: number
  }): Promise<boolean>
  /** False when the user is gone, and then the session will be expired by a job. */
  addCheckout(input: {
    customerId: string
    checkout: Checkout
    scope: string
    now: number
  }): Promise<boolean>
  applySync(snapshot: Snapshot): Promise<void>
  recordEvents(input: { events: StripeEventSeen[]; now: number }): Promise<Recorded[]>
  eventsUntil(): Promise<number | undefined>
  setEventsUntil(until: number): Promise<void>
  /** Asks for a sync of every customer that can still change; gives how many, and pages by `after`. */
  enqueueSyncs(input: { after: string; limit: number }): Promise<string[]>
  enqueueReconcile(): Promise<void>
  /** Forgets events received before `before`, and attempts whose key Stripe has forgotten by `now`. */
  prune(input: { before: number; now: number }): Promise<number>
  readonly commands: {
    applySync: Command<Snapshot, void>
    /** Enqueues the closing of all the user's customers. */
    closeAccount: Command<{ userId: string }, void>
  }
}

export interface MirroredSubscription {
  id: string
  status: string
  priceId: string | null
  periodEnd: number | null
  cancelAtPeriodEnd: boolean
}
