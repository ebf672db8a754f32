import { syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { HOUR, MINUTE } from '#src/lib/time.ts'
import { JOB_READY } from './enqueue.ts'
import { KEY_CHECK_MS, type ProviderAccount } from './provider.ts'
import { FORGET_PAUSES, HASTEN, PAUSE, PAUSES } from './sql.ts'

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
export const pauseModel = syncCommand('queue.pause-model', ({ sqlite }) => {
  const pause = sqlite.query<unknown, [Record<string, string | number | null>]>(PAUSE)
  return (_tx, input: ProviderAccount & Omit<Pause, 'since'> & { now: number }): void => {
    const { now, reason } = input
    pause.run({ ...input, until: Math.min(Math.ceil(input.until), now + LONGEST_MS[reason]) })
  }
})

export interface Resumption {
  name: string
  /** Empty for the key; null for every pause. */
  model: string | null
  /** Kinds of jobs that call the provider. */
  kinds: string[]
  now: number
}

/** Lifts the pause of one model, of the key (an empty name), or all of them, and wakes the jobs that wait for a time. */
export const resumeModels = syncCommand('queue.resume-models', ({ sqlite }) => {
  const forget = sqlite.query<unknown, [{ name: string; model: string | null }]>(FORGET_PAUSES)
  const hasten = sqlite.query<unknown, [{ kind: string; now: number }]>(HASTEN)
  return (tx, input: Resumption): number => {
    const { name, model, kinds, now } = input
    const { changes } = forget.run({ name, model })
    for (const kind of changes > 0 ? kinds : []) {
      hasten.run({ kind, now })
      tx.notify(JOB_READY, kind)
    }
    return changes
  }
})

/** The pauses that hold now. One of the key also holds when it is due to be checked, until a call has succeeded. */
export function createPauses({ sqlite }: Pick<Database, 'sqlite'>) {
  const all = sqlite.query<Pause, [{ name: string; account: string; now: number }]>(PAUSES)
  return ({ name, account }: ProviderAccount, now: number): Pause[] =>
    all.all({ name, account, now })
}
