import type Stripe from 'stripe'
import { newId } from './objects.ts'

/** The version of the API whose shapes the SDK's types describe. */
export const API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion

/** An event of any type; its object is as it was when the event happened. */
export type StandInEvent = Omit<Stripe.EventBase, 'data' | 'type'> & {
  type: string
  data: { object: object }
}

export function newEvent(
  type: string,
  object: object,
  { now, livemode }: { now: number; livemode: boolean },
): StandInEvent {
  return {
    id: newId('evt'),
    object: 'event',
    api_version: API_VERSION,
    created: now,
    data: { object: structuredClone(object) },
    livemode,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  }
}
