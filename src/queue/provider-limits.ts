import { command, query, type Steps, type Tx } from '#src/database/steps.ts'
import { HOUR, MINUTE, SECOND } from '#src/lib/time.ts'
import { JOB_READY } from './enqueue.ts'
import type { ProviderAccount, ProviderLimit } from './job.ts'
import {
  findProvider,
  holdKey,
  listPauses,
  makeDue,
  removePauses,
  storeNextCall,
  storePause,
} from './upkeep-statements.ts'

/** How long a refused key is left alone until one job may try it again. */
export const KEY_CHECK_MS = 30 * SECOND

/**
 * Takes the right to one call now: 0 when it was taken, else in how many milliseconds to ask again
 * (nothing is taken then). A job whose kind names its `provider` took one with its claim already; this is
 * for each further call it makes, of a fallback model.
 */
export const takeProviderSlot = command(
  'queue.take-provider-slot',
  function* (tx, { now, ...provider }: ProviderLimit & { now: number }) {
    const { calls, retryAt } = yield* freeCalls(tx, provider, now)
    if (calls < 1) return retryAt - now
    yield* chargeCalls(tx, provider, 1, now)
    return 0
  },
)

/** Gives back the right to a call that a claim took and its job did not make, as its models are paused. */
export const returnProviderSlot = command(
  'queue.return-provider-slot',
  function* (tx, { now, ...provider }: ProviderLimit & { now: number }) {
    yield* chargeCalls(tx, provider, -1, now)
  },
)

/** How many calls may be made now, and from when on a further one may. */
export function* freeCalls(
  tx: Tx,
  { name, account, rpm }: ProviderLimit,
  now: number,
): Steps<{ calls: number; retryAt: number }> {
  const { nextCallAt, keyUntil } = yield* stateOf(tx, { name, account })
  if (keyUntil !== null && keyUntil > now) return { calls: 0, retryAt: keyUntil }
  const { calls, retryAt } =
    rpm > 0 ? free(nextCallAt, rpm, now) : { calls: Number.MAX_SAFE_INTEGER, retryAt: now }
  if (keyUntil === null) return { calls, retryAt }
  // The key was refused: one job tries it, the others wait for what comes of that.
  return { calls: Math.min(1, calls), retryAt: Math.max(retryAt, now + KEY_CHECK_MS) }
}

/** @param calls made by the claim; negative for those that were not made after all */
export function* chargeCalls(
  tx: Tx,
  { name, account, rpm }: ProviderLimit,
  calls: number,
  now: number,
): Steps<void> {
  if (calls === 0) return
  const { nextCallAt, keyUntil } = yield* stateOf(tx, { name, account })
  if (keyUntil !== null && calls > 0) {
    yield* tx.run(holdKey, { name, account, until: now + KEY_CHECK_MS })
  }
  if (rpm === 0) return
  const next = start(nextCallAt, rpm, now) + calls * bucket(rpm).intervalMs
  yield* tx.run(storeNextCall, { name, nextCallAt: next })
}

function* stateOf(tx: Tx, { name, account }: ProviderAccount) {
  return (yield* tx.first(findProvider, { name, account })) ?? { nextCallAt: 0, keyUntil: null }
}

/**
 * A token bucket as GCRA (ITU-T I.371): one instant is its whole state. It holds six seconds' worth of
 * calls, so that no minute sees more than a tenth above `rpm`.
 */
function bucket(rpm: number) {
  const intervalMs = Math.ceil(MINUTE / rpm)
  const burst = Math.max(1, Math.floor(rpm / 10))
  return { intervalMs, burst, toleranceMs: (burst - 1) * intervalMs }
}

function free(nextCallAt: number, rpm: number, now: number) {
  const { intervalMs, toleranceMs } = bucket(rpm)
  const from = start(nextCallAt, rpm, now)
  const room = now + toleranceMs - from
  const calls = room < 0 ? 0 : Math.floor(room / intervalMs) + 1
  return { calls, retryAt: from + calls * intervalMs - toleranceMs }
}

function start(nextCallAt: number, rpm: number, now: number): number {
  const { intervalMs, burst } = bucket(rpm)
  // Further ahead than a full bucket can be: the clock was set back, which must not stop the provider.
  const highest = now + burst * intervalMs
  return Math.min(Math.max(nextCallAt, now), highest)
}

/**
 * - `limited`: the model takes no requests for a moment (429)
 * - `exhausted`: its quota is used up
 * - `key`: the provider accepts our key no more; holds all of its models
 */
export type PauseReason = 'limited' | 'exhausted' | 'key'

/** A row of `provider_pauses`. */
export interface Pause {
  /** Empty for the whole provider. */
  model: string
  reason: PauseReason
  until: number
  since: number
  /** The quota that the provider named. */
  quotaId: string | null
}

/** Nothing that a provider says can stop a model for longer: a daily quota lasts for 25 hours at most, a key is checked anew. */
const LONGEST_MS: Record<PauseReason, number> = {
  limited: 5 * MINUTE,
  exhausted: 25 * HOUR,
  key: KEY_CHECK_MS,
}

/**
 * Stops the calls of one model, or with an empty name those of the whole provider, for every process. A pause of the
 * same key is not shortened. Jobs that have nothing else to call end with `Snooze`.
 */
export const pauseModel = command(
  'queue.pause-model',
  function* (tx, input: ProviderAccount & Omit<Pause, 'since'> & { now: number }) {
    const { name, account, model, reason, quotaId, now } = input
    const until = Math.min(Math.ceil(input.until), now + LONGEST_MS[reason])
    yield* tx.run(storePause, { name, account, model, reason, quotaId, now, until })
  },
)

export interface Resumption {
  name: string
  /** Empty for the key; null for every pause. */
  model: string | null
  /** Kinds of jobs that call the provider. */
  kinds: string[]
  now: number
}

/** Lifts the pause of one model, of the key (an empty name), or all of them, and wakes the jobs that wait for a time. */
export const resumeModels = command('queue.resume-models', function* (tx, input: Resumption) {
  const { name, model, kinds, now } = input
  const lifted = yield* tx.run(removePauses, { name, model })
  for (const kind of lifted > 0 ? kinds : []) {
    yield* tx.run(makeDue, { kind, now })
    tx.notify(JOB_READY, kind)
  }
  return lifted
})

/** The pauses that hold now. One of the key also holds when it is due to be checked, until a call has succeeded. */
export const readPauses = query(
  'queue.pauses',
  function* (tx, { name, account, now }: ProviderAccount & { now: number }) {
    return yield* tx.all(listPauses, { name, account, now })
  },
)
