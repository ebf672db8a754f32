import Stripe from 'stripe'
import type { Database } from '#src/database/sqlite/open.ts'
import type { RaiseAlarm } from '#src/lib/alarm.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Meters } from '#src/lib/meters.ts'
import { Problem } from '#src/lib/problem.ts'
import { SECOND } from '#src/lib/time.ts'
import { recordEvents, type StripeEventSeen } from './commands.ts'

const RELEVANT =
  /^(checkout\.session\.|customer\.deleted$|customer\.subscription\.|invoice\.|subscription_schedule\.)/
const NOTABLE = /^(charge\.refund|charge\.dispute\.|refund\.)/

/** Older deliveries are refused, so that a recorded one cannot be sent again. */
const TOLERANCE_SECONDS = 300
/** This many refusals in a row are no accident: Stripe signs every delivery. */
const ALARM_AFTER = 3

const WRONG_SECRET =
  'Copy the signing secret of this endpoint (Developers → Webhooks) into STRIPE_WEBHOOK_SECRETS and restart. If Stripe shows its deliveries as successful, someone sends forged ones.'
const WRONG_CLOCK =
  'The times of the deliveries are more than five minutes in the past. Check that the clock of this machine is right.'

export interface WebhookDeps {
  stripe: Stripe
  secrets: readonly string[]
  database: Database
  livemode: boolean
  clock: Clock
  raise: RaiseAlarm
  meters: Meters
}

/** Whether an event of this type is followed by a sync of its customer. */
export function isRelevant(type: string): boolean {
  return RELEVANT.test(type)
}

type Verified = { isSigned: false } | { isSigned: true; event: unknown }

/**
 * Verifies a delivery and records it. The body is read only where the signature could be Stripe's.
 * @throws Problem 400 where it is refused; nothing is stored then
 */
export function createTakeDelivery(deps: WebhookDeps) {
  const { stripe, secrets, database, livemode, clock } = deps
  const watch = createDeliveryWatch(deps)

  async function verify(body: Uint8Array, signature: string): Promise<Verified> {
    for (const secret of secrets) {
      try {
        const event = await stripe.webhooks.constructEventAsync(
          body,
          signature,
          secret,
          TOLERANCE_SECONDS,
          undefined,
          clock.now(),
        )
        return { isSigned: true, event }
      } catch (error) {
        // Another secret may be the right one. Any other error comes after the signature was verified.
        if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) {
          return { isSigned: true, event: undefined }
        }
      }
    }
    return { isSigned: false }
  }

  return async (signature: string | null, readBody: () => Promise<Uint8Array>): Promise<void> => {
    const age = ageOf(signature, clock.now())
    if (signature === null || age === undefined) {
      watch.unsigned()
      throw invalidWebhook()
    }
    if (age > TOLERANCE_SECONDS) {
      watch.refused('too old')
      throw invalidWebhook()
    }
    const verified = await verify(await readBody(), signature)
    if (!verified.isSigned) {
      watch.refused('wrong signature')
      throw invalidWebhook()
    }
    watch.accepted()
    const event = toEventSeen(verified.event)
    if (!event) throw invalidWebhook()
    await database.run(recordEvents, { events: [event], livemode, now: clock.now() })
  }
}

/**
 * The age in seconds of a delivery by its `Stripe-Signature` (https://docs.stripe.com/webhooks#verify-manually);
 * undefined where Stripe sends no such header. It is cheap to compute, and does not prove who signed.
 */
function ageOf(signature: string | null, now: number): number | undefined {
  if (signature === null || signature.length > 2_048) return undefined
  const parts = signature.split(',')
  if (!parts.some((part) => /^v1=[0-9a-f]{64}$/i.test(part))) return undefined
  const at = parts.find((part) => /^t=\d{1,12}$/.test(part))?.slice(2)
  return at === undefined ? undefined : Math.floor(now / SECOND) - Number(at)
}

/** Tells the operator when deliveries that look signed are refused one after the other. */
function createDeliveryWatch({ raise, meters }: { raise: RaiseAlarm; meters: Meters }) {
  let refusedInARow = 0
  return {
    accepted(): void {
      refusedInARow = 0
      meters.delivery('accepted')
    },
    /** It has no signature of Stripe's form: not from Stripe. */
    unsigned: () => meters.delivery('unsigned'),
    refused(reason: 'wrong signature' | 'too old'): void {
      refusedInARow++
      meters.delivery('refused')
      if (refusedInARow < ALARM_AFTER) return
      const remedy = reason === 'too old' ? WRONG_CLOCK : WRONG_SECRET
      raise('stripe-webhook', 'Deliveries of Stripe are refused', { remedy, reason, refusedInARow })
    },
  }
}

function invalidWebhook(): Problem {
  return new Problem(
    400,
    'invalid-webhook',
    'This is not a delivery of Stripe signed with a secret of this endpoint in the last five minutes.',
  )
}

/** Undefined unless it has the shape of an event. Of its object only the customer is used. */
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
    relevant: isRelevant(type),
    notice: NOTABLE.test(type) ? toNotice(id, object) : null,
  }
}

/** In whole seconds; in milliseconds the database can store it exactly. */
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
