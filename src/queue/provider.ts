import { command } from '#src/database/command.ts'
import type { Database } from '#src/database/open.ts'
import { MINUTE } from '#src/lib/time.ts'
import { CHARGE_PROVIDER, PAUSE_PROVIDER, PROVIDER } from './sql.ts'

/** A provider that the jobs of a kind call, as `JobKind.provider`: its pause and its bucket hold back their claims. */
export interface ProviderLimit {
  name: string
  /** Calls a minute over every process; 0 for no limit of our own. */
  rpm: number
}

/** A row of `providers`. */
export interface ProviderRow {
  paused_until: number
  next_call_at: number
}

/**
 * Stops every call of a provider until the instant, for everybody: what to do on a 429, beside
 * `throw new Snooze(delayMs)`, in one go with `await database.execute(pauseProvider, { name, until })`.
 * A longer pause is never shortened. A kind with a `provider` is not claimed while it lasts.
 */
export const pauseProvider = command('queue.pauseProvider', ({ sqlite }) => {
  const pause = sqlite.query<unknown, [{ name: string; until: number }]>(PAUSE_PROVIDER)
  return (_tx, { name, until }: { name: string; until: number }): void => {
    pause.run({ name, until: Math.ceil(until) })
  }
})

/**
 * Takes the right to one call now: 0 when it was taken, else in how many milliseconds to ask again
 * (nothing is taken then). A job whose kind names its `provider` took one with its claim already; this is
 * for each further call it makes (a fallback model, say).
 */
export const takeProviderSlot = command('queue.takeProviderSlot', (connection) => {
  const limits = prepareLimits(connection)
  return (_tx, { name, rpm, now }: ProviderLimit & { now: number }): number => {
    const { slots, retryAt } = limits.free({ name, rpm }, now)
    if (slots < 1) return retryAt - now
    limits.charge({ name, rpm }, 1, now)
    return 0
  }
})

/** Until when a provider is paused; 0 or an instant gone by where it is not. */
export function createPausedUntil({ sqlite }: Database): (name: string) => number {
  const find = sqlite.query<ProviderRow, [string]>(PROVIDER)
  return (name) => find.get(name)?.paused_until ?? 0
}

/** What the claim asks of the limits, inside its own transaction. */
export function prepareLimits({ sqlite }: Pick<Database, 'sqlite'>) {
  const find = sqlite.query<ProviderRow, [string]>(PROVIDER)
  const charge = sqlite.query<unknown, [{ name: string; nextCallAt: number }]>(CHARGE_PROVIDER)
  return {
    /** How many calls may be made now, and from when on a further one may. */
    free({ name, rpm }: ProviderLimit, now: number): { slots: number; retryAt: number } {
      const row = find.get(name)
      if (row && row.paused_until > now) return { slots: 0, retryAt: row.paused_until }
      if (rpm <= 0) return { slots: Number.MAX_SAFE_INTEGER, retryAt: now }
      return freeSlots(row?.next_call_at ?? 0, rpm, now)
    },
    charge({ name, rpm }: ProviderLimit, calls: number, now: number): void {
      if (rpm <= 0 || calls === 0) return
      const nextCallAt = chargeSlots(find.get(name)?.next_call_at ?? 0, rpm, now, calls)
      charge.run({ name, nextCallAt })
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
