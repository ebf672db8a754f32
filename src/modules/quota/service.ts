import { type Command, type SyncTx, syncCommand } from '#src/database/command.ts'
import type { Clock } from '#src/lib/clock.ts'
import { DAY, SECOND, toInstant } from '#src/lib/time.ts'
import type { Job, JobEnd } from '#src/queue/job.ts'
import { createCalendar } from './day.ts'
import type { Bounds, Quota, QuotaOwner, Tier, Usage } from './model.ts'
import { createRefusals, dailyHeaders, type Policy } from './refusals.ts'
import type { QuotaStore } from './store.ts'

/** A refund may come until a reply's deadline is over; days older than this are only history. */
const KEPT_MS = 35 * DAY

const STARTS_EXHAUSTED: JobEnd = {
  state: 'failed',
  cause: 'error',
  code: 'starts-exhausted',
  message: 'its user has no call of the provider left today',
}

export interface QuotaDeps {
  store: QuotaStore
  clock: Clock
  bounds: Record<Tier, Bounds>
  timezone: string
  /** Decided anew at each prompt from the database. */
  tier: {
    command: Command<{ userId: string; now: number }, Tier>
    read(userId: string, now: number): Tier
  }
  /** By the present key. */
  digestNumber(phone: string): string
}

/** What a prompt cost and what is left. */
export interface Taken {
  quota: Quota
  /** The day it was taken from; null for Pro, who pays no quota. */
  paidOn: string | null
}

/** What a user has, as they see it. */
export interface Standing {
  tier: Tier
  quota: Quota
  storage: { usedBytes: number; limitBytes: number }
}

export type Quotas = ReturnType<typeof createQuotas>

export function createQuotas({ store, clock, bounds, timezone, tier, digestNumber }: QuotaDeps) {
  const dayOf = createCalendar(timezone)

  function toQuota({ prompts: limit }: Bounds, { used }: Pick<Usage, 'used'>, now: number): Quota {
    if (limit === null) return { limit }
    const remaining = Math.max(0, limit - used)
    return { limit, used, remaining, resetsAt: toInstant(dayOf(now).endsAt) }
  }

  function standing({ userId, numberDigest }: QuotaOwner): Standing {
    const now = clock.now()
    const is = tier.read(userId, now)
    const usage = store.read({ numberDigest, day: dayOf(now).name })
    return {
      tier: is,
      quota: toQuota(bounds[is], usage, now),
      storage: { usedBytes: usage.storedBytes, limitBytes: bounds[is].storedBytes },
    }
  }

  const headers = (quota: Quota): Policy => dailyHeaders(quota, secondsLeft())
  const secondsLeft = () => Math.ceil((dayOf(clock.now()).endsAt - clock.now()) / SECOND)
  const refuse = createRefusals({ clock, headers, secondsLeft })

  /** What the tier of a user allows, and where it is counted; undefined where the user is gone. */
  function boundsOf(tx: SyncTx, userId: string) {
    const owner = tx.run(store.owner, { userId })
    if (!owner) return undefined
    const now = clock.now()
    const own = bounds[tx.run(tier.command, { userId, now })]
    return { own, place: { numberDigest: owner.numberDigest, day: dayOf(now).name } }
  }

  function start(tx: SyncTx, userId: string, leavesPrompts: boolean): boolean {
    const user = boundsOf(tx, userId)
    if (!user) return false
    const { place, own } = user
    return tx.run(store.start, { ...place, bounds: own, leavesPrompts })
  }

  const countCall: Command<{ userId: string }, boolean> = syncCommand(
    'quota.count-call',
    () =>
      (tx, { userId }) =>
        start(tx, userId, false),
  )

  return {
    standing,
    /** Counts a further call of the provider within one try, as that of another model; false where none is left. */
    countCall,
    /** RateLimit header fields (draft-ietf-httpapi-ratelimit-headers); none for Pro. */
    headers,
    read(owner: QuotaOwner): Quota {
      const now = clock.now()
      const own = bounds[tier.read(owner.userId, now)]
      if (own.prompts === null) return { limit: null }
      const { numberDigest } = owner
      return toQuota(own, store.read({ numberDigest, day: dayOf(now).name }), now)
    },
    /**
     * Pays for one prompt in the caller's transaction, and counts the start of its reply and its text.
     * @param bytes that the prompt adds to what is stored
     * @throws Problem 429 `quota-exhausted`, `starts-exhausted`, `too-many-pending`, `too-many-requests`, 409 `storage-full`
     */
    take(tx: SyncTx, { userId, numberDigest }: QuotaOwner, bytes: number): Taken {
      const now = clock.now()
      const own = bounds[tx.run(tier.command, { userId, now })]
      const day = dayOf(now)
      const input = { numberDigest, day: day.name, bounds: own, bytes, now }
      const { usage, exceeded } = tx.run(store.take, input)
      const quota = toQuota(own, usage, now)
      if (exceeded) throw refuse(exceeded, own, usage, quota)
      return { quota, paidOn: own.prompts === null ? null : day.name }
    },
    /**
     * Settles a prompt whose reply has ended, in the same transaction.
     * @param refundTo the day it was paid on, where it is refunded
     */
    settle(tx: SyncTx, settled: { numberDigest: string; bytes: number; refundTo: string | null }) {
      tx.run(store.settle, settled)
    },
    /**
     * Counts a call of the provider that a user did not ask for; false, and counts nothing, where the day's starts are
     * used up but for one for each prompt that is left.
     */
    startExtra: (tx: SyncTx, userId: string): boolean => start(tx, userId, true),
    /** Counts another try at a job that calls the provider; the job fails where the day's starts are used up. */
    beforeRetry(tx: SyncTx, { owner }: Pick<Job, 'owner'>): JobEnd | undefined {
      return owner === null || start(tx, owner, false) ? undefined : STARTS_EXHAUSTED
    },
    /**
     * Counts text of a user that is stored, or with a negative number freed.
     * @throws Problem 409 `storage-full` where it grows above the limit, unless the server wrote it (`isOurs`)
     */
    countText(tx: SyncTx, userId: string, bytes: number, { isOurs = false } = {}): void {
      const user = bytes === 0 ? undefined : boundsOf(tx, userId)
      if (!user) return
      const { place, own } = user
      const most = isOurs ? Number.MAX_SAFE_INTEGER : own.storedBytes
      if (!tx.run(store.store, { ...place, bytes, most })) throw refuse.storage(own)
    },
    /**
     * In the transaction that deletes an account: only the counts of today stay, under the digest that the next sign-up
     * of the number looks for. The account's own may be of a key from long ago.
     */
    leave(tx: SyncTx, userId: string): void {
      const owner = tx.run(store.owner, { userId })
      if (!owner) return
      const { numberDigest, phone } = owner
      const day = dayOf(clock.now()).name
      tx.run(store.leave, { numberDigest, day, keptAs: digestNumber(phone) })
    },
    /**
     * The midnight tick: forgets old days, and what is left of deleted accounts. A new day needs no tick, so a
     * missed one leaves nobody without prompts.
     */
    reset(): Promise<number> {
      const now = clock.now()
      return store.prune({ before: dayOf(now - KEPT_MS).name, today: dayOf(now).name })
    },
  }
}
