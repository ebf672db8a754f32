import { syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { CHARGE_PROVIDER, HOLD_KEY, PROVIDER } from './sql.ts'

/** How long a refused key is left alone until one job may try it again. */
export const KEY_CHECK_MS = 30 * SECOND

/** A provider as one key at one address reaches it: a pause says nothing about another key. */
export interface ProviderAccount {
  name: string
  /** Digest of the key and the address. */
  account: string
}

/** A provider that the jobs of a kind call, as `JobKind.provider`: its key and its bucket hold back their claims. */
export interface ProviderLimit extends ProviderAccount {
  /** Calls a minute over every process; 0 for no limit of our own. */
  rpm: number
}

/**
 * Takes the right to one call now: 0 when it was taken, else in how many milliseconds to ask again
 * (nothing is taken then). A job whose kind names its `provider` took one with its claim already; this is
 * for each further call it makes, of a fallback model.
 */
export const takeProviderSlot = syncCommand('queue.takeProviderSlot', (connection) => {
  const limits = prepareLimits(connection)
  return (_tx, { now, ...provider }: ProviderLimit & { now: number }): number => {
    const { slots, retryAt } = limits.free(provider, now)
    if (slots < 1) return retryAt - now
    limits.charge(provider, 1, now)
    return 0
  }
})

/** Gives back the right to a call that a claim took and its job did not make, as its models are paused. */
export const returnProviderSlot = syncCommand('queue.returnProviderSlot', (connection) => {
  const limits = prepareLimits(connection)
  return (_tx, { now, ...provider }: ProviderLimit & { now: number }): void => {
    limits.charge(provider, -1, now)
  }
})

/** What the claim asks of the limits, inside its own transaction. */
export function prepareLimits({ sqlite }: Pick<Database, 'sqlite'>) {
  const find = sqlite.query<
    { nextCallAt: number; keyUntil: number | null },
    [{ name: string; account: string }]
  >(PROVIDER)
  const charge = sqlite.query<unknown, [{ name: string; nextCallAt: number }]>(CHARGE_PROVIDER)
  const holdKey = sqlite.query<unknown, [{ name: string; account: string; until: number }]>(
    HOLD_KEY,
  )
  const read = ({ name, account }: ProviderLimit) =>
    find.get({ name, account }) ?? { nextCallAt: 0, keyUntil: null }
  return {
    /** How many calls may be made now, and from when on a further one may. */
    free(provider: ProviderLimit, now: number): { slots: number; retryAt: number } {
      const { nextCallAt, keyUntil } = read(provider)
      if (keyUntil !== null && keyUntil > now) return { slots: 0, retryAt: keyUntil }
      const { slots, retryAt } =
        provider.rpm > 0
          ? freeSlots(nextCallAt, provider.rpm, now)
          : { slots: Number.MAX_SAFE_INTEGER, retryAt: now }
      if (keyUntil === null) return { slots, retryAt }
      // The key was refused: one job tries it, the others wait for what comes of that.
      return { slots: Math.min(1, slots), retryAt: Math.max(retryAt, now + KEY_CHECK_MS) }
    },
    /** @param calls made by the claim; negative for those that were not made after all */
    charge(provider: ProviderLimit, calls: number, now: number): void {
      if (calls === 0) return
      const { name, account, rpm } = provider
      const { nextCallAt, keyUntil } = read(provider)
      if (keyUntil !== null && calls > 0) holdKey.run({ name, account, until: now + KEY_CHECK_MS })
      if (rpm > 0) charge.run({ name, nextCallAt: chargeSlots(nextCallAt, rpm, now, calls) })
    },
  }
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

function freeSlots(nextCallAt: number, rpm: number, now: number) {
  const { intervalMs, toleranceMs } = bucket(rpm)
  const from = start(nextCallAt, rpm, now)
  const room = now + toleranceMs - from
  const slots = room < 0 ? 0 : Math.floor(room / intervalMs) + 1
  return { slots, retryAt: from + slots * intervalMs - toleranceMs }
}

function chargeSlots(nextCallAt: number, rpm: number, now: number, calls: number): number {
  return start(nextCallAt, rpm, now) + calls * bucket(rpm).intervalMs
}

function start(nextCallAt: number, rpm: number, now: number): number {
  const { intervalMs, burst } = bucket(rpm)
  // Further ahead than a full bucket can be: the clock was set back, which must not stop the provider.
  const highest = now + burst * intervalMs
  return Math.min(Math.max(nextCallAt, now), highest)
}
