/** What an operator must fix; docs/operations.md and docs/billing.md say how. Prometheus knows each from the start. */
export const ALARMS = [
  'provider-key',
  'provider-model',
  'stripe-account',
  'stripe-activation',
  'stripe-currency',
  'stripe-key',
  'stripe-mode',
  'stripe-payment-methods',
  'stripe-permission',
  'stripe-portal',
  'stripe-price',
  'stripe-request',
  'stripe-return-url',
  'stripe-tax',
  'stripe-webhook',
] as const

export type Alarm = (typeof ALARMS)[number]

/** How a call of a provider ended. `limited` is its 429; `refused` is a permanent fault of ours (400, 401, 403). */
export type ProviderOutcome =
  | 'ok'
  | 'blocked'
  | 'limited'
  | 'unavailable'
  | 'timeout'
  | 'refused'
  | 'aborted'

export type JobOutcome = 'done' | 'failed' | 'cancelled' | 'retry' | 'lost'

/**
 * What the program tells of itself while it works. Services take it as a dependency and call it beside the
 * work, never inside a command (a rolled back command has happened to nobody); it never throws and costs
 * well under a microsecond. `createServices` hands in `deps.meters`; a test that does not care leaves it out
 * and gets {@link noMeters}.
 *
 *     const meters = deps.meters ?? noMeters
 *     meters.providerCall('gemini', 'ok', clock.now() - startedAt)
 *     const left = meters.reader()  // a stream opened; call left() when it is over
 *
 * What can be asked of the database when somebody scrapes (queue depth, tiers) is not reported here.
 */
export interface Meters {
  /** An answered request; `route` is the pattern, never the path. */
  request(method: string, route: string, status: number, durationMs: number): void
  /** One call of a provider (`gemini`, `stripe`, `sms`), each try counted. */
  providerCall(provider: string, outcome: ProviderOutcome, durationMs: number): void
  /** Tokens as the provider counted them. */
  tokens(prompt: number, reply: number): void
  /** A code handed to delivery, a right one, a wrong one. Many sent and few verified is an attack. */
  otp(event: 'sent' | 'verified' | 'refused'): void
  /** A job was claimed, `waitMs` after it was due. */
  jobStarted(kind: string, waitMs: number): void
  jobEnded(kind: string, outcome: JobOutcome, durationMs: number): void
  /** A stream was opened; the function returned says that it is over, and may be called twice. */
  reader(): () => void
  /** A delivery to Stripe's webhook: recorded, refused although it looks signed, or without a signature. */
  delivery(outcome: 'accepted' | 'refused' | 'unsigned'): void
  /** Something that only an operator can fix was met. */
  alarm(alarm: Alarm): void
  /** A group commit of so many commands. */
  committed(commands: number, durationMs: number): void
}

const nothing = () => {}

/** Counts nothing. */
export const noMeters: Meters = {
  request: nothing,
  providerCall: nothing,
  tokens: nothing,
  otp: nothing,
  jobStarted: nothing,
  jobEnded: nothing,
  reader: () => nothing,
  delivery: nothing,
  alarm: nothing,
  committed: nothing,
}
