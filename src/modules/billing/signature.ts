import type { RaiseAlarm } from '#src/lib/alarm.ts'
import type { Meters } from '#src/lib/meters.ts'
import { SECOND } from '#src/lib/time.ts'

/** Older deliveries are refused, so that a recorded one cannot be played again. */
export const TOLERANCE_SECONDS = 300
/** So many in a row are no accident: Stripe signs every delivery. */
const ALARM_AFTER = 3

const WRONG_SECRET =
  'Copy the signing secret of this endpoint (Developers → Webhooks) into STRIPE_WEBHOOK_SECRETS and restart. If Stripe shows its deliveries as successful, someone sends forged ones.'
const WRONG_CLOCK =
  'The times of the deliveries are more than five minutes in the past. Check that the clock of this machine is right.'

/**
 * The age in seconds of a delivery by its `Stripe-Signature` (https://docs.stripe.com/webhooks#verify-manually);
 * undefined where the header is none that Stripe sends. Costs next to nothing, and proves nothing.
 */
export function ageOf(signature: string | null, now: number): number | undefined {
  if (signature === null || signature.length > 2_048) return undefined
  const parts = signature.split(',')
  if (!parts.some((part) => /^v1=[0-9a-f]{64}$/i.test(part))) return undefined
  const at = parts.find((part) => /^t=\d{1,12}$/.test(part))?.slice(2)
  return at === undefined ? undefined : Math.floor(now / SECOND) - Number(at)
}

/** Tells the operator when deliveries that look signed are refused one after the other. */
export function createDeliveryWatch({ raise, meters }: { raise: RaiseAlarm; meters: Meters }) {
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
