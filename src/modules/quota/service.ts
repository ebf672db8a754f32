import type { Command, Tx } from '#src/database/command.ts'
import type { Clock } from '#src/lib/clock.ts'
import { Problem } from '#src/lib/problem.ts'
import { DAY, SECOND, toInstant } from '#src/lib/time.ts'
import { createCalendar } from './day.ts'
import type { Quota, Tier } from './model.ts'
import type { QuotaStore } from './store.ts'

/** A refund may come until a reply's deadline is over; days older than this are only history. */
const KEPT_MS = 35 * DAY

export interface QuotaDeps {
  store: QuotaStore
  clock: Clock
  limit: number
  timezone: string
  /** Decided anew at each prompt from the database. */
  tier: {
    command: Command<{ userId: string; now: number }, Tier>
    read(userId: string, now: number): Tier
  }
}

/** What a prompt cost and what is left. */
export interface Taken {
  quota: Quota
  /** The day it was taken from; null for Pro, who pays no quota. */
  paidOn: string | null
}

export type Quotas = ReturnType<typeof createQuotas>

export function createQuotas({ store, clock, limit, timezone, tier }: QuotaDeps) {
  const dayOf = createCalendar(timezone)

  function toQuota(used: number, now: number): Quota {
    const remaining = Math.max(0, limit - used)
    return { limit, used, remaining, resetsAt: toInstant(dayOf(now).endsAt) }
  }

  function standing(userId: string): { tier: Tier; quota: Quota } {
    const now = clock.now()
    if (tier.read(userId, now) === 'pro') return { tier: 'pro', quota: { limit: null } }
    return { tier: 'basic', quota: toQuota(store.used({ userId, day: dayOf(now).name }), now) }
  }

  const read = (userId: string): Quota => standing(userId).quota

  /** RateLimit header fields (draft-ietf-httpapi-ratelimit-headers); none for Pro. */
  function headers(quota: Quota): Record<string, string> {
    if (quota.limit === null) return {}
    const seconds = Math.ceil((dayOf(clock.now()).endsAt - clock.now()) / SECOND)
    return {
      'ratelimit-policy': `"daily";q=${quota.limit};w=${DAY / SECOND}`,
      ratelimit: `"daily";r=${quota.remaining ?? 0};t=${seconds}`,
    }
  }

  return {
    read,
    headers,
    standing,
    /** Pays for one prompt in the caller's transaction. @throws Problem 429 `quota-exhausted` */
    take(tx: Tx, userId: string): Taken {
      const now = clock.now()
      if (tx.run(tier.command, { userId, now }) === 'pro')
        return { quota: { limit: null }, paidOn: null }
      const day = dayOf(now)
      const used = tx.run(store.take, { userId, day: day.name, limit })
      if (used !== undefined) return { quota: toQuota(used, now), paidOn: day.name }
      const quota = toQuota(limit, now)
      const retryAfter = String(Math.ceil((day.endsAt - now) / SECOND))
      throw new Problem(
        429,
        'quota-exhausted',
        `All ${limit} prompts of today are used. More come at ${toInstant(day.endsAt)}.`,
        {
          quota,
          headers: { ...headers(quota), 'retry-after': retryAfter },
        },
      )
    },
    /** Gives one prompt back to the day it was taken from. */
    giveBack(tx: Tx, userId: string, paidOn: string | null): void {
      if (paidOn !== null) tx.run(store.giveBack, { userId, day: paidOn })
    },
    /**
     * The midnight tick: forgets old days. A new day needs no tick, as it is a row of its own, so a
     * missed one leaves nobody without prompts.
     */
    reset: (): Promise<number> => store.prune({ before: dayOf(clock.now() - KEPT_MS).name }),
  }
}
