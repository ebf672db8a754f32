import type Stripe from 'stripe'
import type { Clock } from '#src/lib/clock.ts'
import { Problem } from '#src/lib/problem.ts'
import { SECOND } from '#src/lib/time.ts'
import type { BillingStore, StripeEventSeen } from './store.ts'

/** Older deliveries are refused, so that a recorded one cannot be played again. */
const TOLERANCE_SECONDS = 300
const RELEVANT =
  /^(checkout\.session\.|customer\.deleted$|customer\.subscription\.|invoice\.|subscription_schedule\.)/
const NOTABLE = /^(charge\.refund|charge\.dispute\.|refund\.)/

export interface WebhookDeps {
  stripe: Stripe
  secrets: readonly string[]
  store: BillingStore
  clock: Clock
}

/** Verifies a delivery and takes it in. @throws Problem 400, and then nothing was stored */
export function createTakeDelivery({ stripe, secrets, store, clock }: WebhookDeps) {
  async function verify(body: Uint8Array, signature: string): Promise<unknown> {
    for (const secret of secrets) {
      try {
        return await stripe.webhooks.constructEventAsync(
          body,
          signature,
          secret,
          TOLERANCE_SECONDS,
          undefined,
          clock.now(),
        )
      } catch {
        // Another secret may be the right one; why this one is not, is nobody's business.
      }
    }
    return undefined
  }

  return async (body: Uint8Array, signature: string | null): Promise<void> => {
    const event = signature ? toEventSeen(await verify(body, signature)) : undefined
    if (!event) {
      throw new Problem(
        400,
        'invalid-webhook',
        'This is not a delivery of Stripe signed with a secret of this endpoint in the last five minutes.',
      )
    }
    await store.recordEvents({ events: [event], now: clock.now() })
  }
}

/** Undefined unless it has the shape of an event. Of its object only the customer is believed. */
export function toEventSeen(event: unknown): StripeEventSeen | undefined {
  if (!isRecord(event)) return undefined
  const { id, type, created, livemode, data } = event
  if (typeof id !== 'string' || typeof type !== 'string' || !id || !type) return undefined
  if (typeof livemode !== 'boolean' || !isInstant(created)) return undefined
  const object = isRecord(data) && isRecord(data['object']) ? data['object'] : {}
  return {
    id,
    type,
    livemode,
    customerId: customerOf(object),
    createdAt: created * SECOND,
    relevant: RELEVANT.test(type),
    notice: NOTABLE.test(type) ? toNotice(id, object) : null,
  }
}

/** In whole seconds. The database takes no other number. */
function isInstant(value: unknown): value is number {
  return Number.isInteger(value) && Number.isSafeInteger(Number(value) * SECOND)
}

function customerOf(object: Record<string, unknown>): string | null {
  if (object['object'] === 'customer') return text(object['id'])
  const customer = object['customer']
  return isRecord(customer) ? text(customer['id']) : text(customer)
}

/** Enough for an operator to find it in the dashboard; amounts in the currency's smallest unit. */
function toNotice(eventId: string, object: Record<string, unknown>) {
  const amount = object['amount_refunded'] ?? object['amount']
  return {
    eventId,
    objectId: text(object['id']),
    charge: text(object['charge']),
    amount: typeof amount === 'number' ? amount : null,
    currency: text(object['currency']),
    reason: text(object['reason']),
    status: text(object['status']),
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
