import type { Database } from '#src/database/sqlite/open.ts'
import {
  type Command,
  command,
  type Query,
  query,
  type Steps,
  type Tx,
} from '#src/database/steps.ts'
import type { Clock } from '#src/lib/clock.ts'
import { DAY, SECOND, toInstant } from '#src/lib/time.ts'
import type { Job, JobEnd } from '#src/queue/job.ts'
import { createCalendar } from './day.ts'
import type { Bounds, Quota, QuotaOwner, Tier, Usage } from './model.ts'
import { createRefusals, dailyHeaders, type Policy } from './refusals.ts'
import { findOwner, removeDaysBefore, removeDaysOfGoneBefore } from './statements.ts'
import {
  leaveNumber,
  loadUsage,
  type Settlement,
  settlePrompt,
  storeText,
  takePrompt,
  takeStart,
} from './usage.ts'

/** A refund may come until a reply's deadline is over; days older than this are only history. */
const KEPT_MS = 35 * DAY

const STARTS_EXHAUSTED: JobEnd = {
  state: 'failed',
  cause: 'error',
  code: 'starts-exhausted',
  message: 'its user has no call of the provider left today',
}

export interface QuotaDeps {
  database: Database
  clock: Clock
  bounds: Record<Tier, Bounds>
  timezone: string
  /** Decided anew at each prompt from the database. */
  tier: {
    command: Command<{ userId: string; now: number }, Tier>
    query: Query<{ userId: string; now: number }, Tier>
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

/** The tier, quota and storage of a user, as they see them. */
export interface Allowance {
  tier: Tier
  quota: Quota
  storage: { usedBytes: number; limitBytes: number }
}

export type Quotas = ReturnType<typeof createQuotas>

/**
 * What a user may use, and what is used of it. The generators are parts of the caller's command; parallel prompts
 * cannot slip past a bound, as each command sees what the one before it wrote.
 */
export function createQuotas({ database, clock, bounds, timezone, tier, digestNumber }: QuotaDeps) {
  const dayOf = createCalendar(timezone)

  function toQuota({ prompts: limit }: Bounds, { used }: Pick<Usage, 'used'>, now: number): Quota {
    if (limit === null) return { limit }
    const remaining = Math.max(0, limit - used)
    return { limit, used, remaining, resetsAt: toInstant(dayOf(now).endsAt) }
  }

  const headers = (quota: Quota): Policy => dailyHeaders(quota, secondsLeft())
  const secondsLeft = () => Math.ceil((dayOf(clock.now()).endsAt - clock.now()) / SECOND)
  const refuse = createRefusals({ clock, headers, secondsLeft })

  const getQuota = query('quota.read', function* (tx, input: QuotaOwner & { now: number }) {
    const { userId, numberDigest, now } = input
    const own = bounds[yield* tier.query.steps(tx, { userId, now })]
    if (own.prompts === null) return { limit: null }
    const { usage } = yield* loadUsage(tx, { numberDigest, day: dayOf(now).name })
    return toQuota(own, usage, now)
  })

  const getAllowance = query(
    'quota.allowance',
    function* (tx, input: QuotaOwner & { now: number }) {
      const { userId, numberDigest, now } = input
      const is = yield* tier.query.steps(tx, { userId, now })
      const { usage } = yield* loadUsage(tx, { numberDigest, day: dayOf(now).name })
      const allowance: Allowance = {
        tier: is,
        quota: toQuota(bounds[is], usage, now),
        storage: { usedBytes: usage.storedBytes, limitBytes: bounds[is].storedBytes },
      }
      return allowance
    },
  )

  /** What the tier of a user allows, and where it is counted; undefined where the user is gone. */
  function* boundsOf(tx: Tx, userId: string) {
    const owner = yield* tx.first(findOwner, { userId })
    if (!owner) return undefined
    const now = clock.now()
    const own = bounds[yield* tier.command.steps(tx, { userId, now })]
    return { own, place: { numberDigest: owner.numberDigest, day: dayOf(now).name } }
  }

  function* start(tx: Tx, userId: string, leavesPrompts: boolean): Steps<boolean> {
    const user = yield* boundsOf(tx, userId)
    if (!user) return false
    return yield* takeStart(tx, { ...user.place, bounds: user.own, leavesPrompts })
  }

  const countCall = command('quota.count-call', (tx, { userId }: { userId: string }) =>
    start(tx, userId, false),
  )

  return {
    /** Counts a further call of the provider within one try, as that of another model; false where none is left. */
    countCall: (userId: string): Promise<boolean> => database.run(countCall, { userId }),
    /** RateLimit header fields (draft-ietf-httpapi-ratelimit-headers); none for Pro. */
    headers,
    read: ({ userId, numberDigest }: QuotaOwner): Promise<Quota> =>
      database.read(getQuota, { userId, numberDigest, now: clock.now() }),
    readAllowance: ({ userId, numberDigest }: QuotaOwner): Promise<Allowance> =>
      database.read(getAllowance, { userId, numberDigest, now: clock.now() }),
    /**
     * Pays for one prompt, and counts the start of its reply and its text.
     * @param bytes that the prompt adds to what is stored
     * @throws Problem 429 `quota-exhausted`, `starts-exhausted`, `too-many-pending`, `too-many-requests`, 409 `storage-full`
     */
    *take(tx: Tx, { userId, numberDigest }: QuotaOwner, bytes: number): Steps<Taken> {
      const now = clock.now()
      const own = bounds[yield* tier.command.steps(tx, { userId, now })]
      const day = dayOf(now).name
      const prompt = { numberDigest, day, bounds: own, bytes, now }
      const { usage, exceeded } = yield* takePrompt(tx, prompt)
      const quota = toQuota(own, usage, now)
      if (exceeded) throw refuse(exceeded, own, usage, quota)
      return { quota, paidOn: own.prompts === null ? null : day }
    },
    /** Settles a prompt whose reply has ended, in the same transaction. */
    settle: (tx: Tx, settlement: Settlement): Steps<void> => settlePrompt(tx, settlement),
    /**
     * Counts a call of the provider that a user did not ask for; false, and counts nothing, where the day's starts are
     * used up but for one for each prompt that is left.
     */
    startExtra: (tx: Tx, userId: string): Steps<boolean> => start(tx, userId, true),
    /** Counts another try at a job that calls the provider; the job fails where the day's starts are used up. */
    *beforeRetry(tx: Tx, { owner }: Pick<Job, 'owner'>): Steps<JobEnd | undefined> {
      const isCounted = owner === null || (yield* start(tx, owner, false))
      return isCounted ? undefined : STARTS_EXHAUSTED
    },
    /**
     * Counts text of a user that is stored, or with a negative number freed.
     * @throws Problem 409 `storage-full` where it grows above the limit, unless the server wrote it (`isOurs`)
     */
    *countText(tx: Tx, userId: string, bytes: number, { isOurs = false } = {}): Steps<void> {
      const user = bytes === 0 ? undefined : yield* boundsOf(tx, userId)
      if (!user) return
      const most = isOurs ? Number.MAX_SAFE_INTEGER : user.own.storedBytes
      if (!(yield* storeText(tx, { ...user.place, bytes, most }))) throw refuse.storage(user.own)
    },
    /**
     * In the transaction that deletes an account: only the counts of today stay, under the digest that the next sign-up
     * of the number looks for. The account's own may be of a key from long ago.
     */
    leave: command('quota.leave', function* (tx, { userId, now }: { userId: string; now: number }) {
      const owner = yield* tx.first(findOwner, { userId })
      if (!owner) return
      const { numberDigest, phone } = owner
      const place = { numberDigest, day: dayOf(now).name }
      yield* leaveNumber(tx, { ...place, keptAs: digestNumber(phone) })
    }),
    /**
     * The midnight tick: forgets old days, and what is left of deleted accounts. A new day needs no tick, so a
     * missed one leaves nobody without prompts.
     */
    reset(): Promise<number> {
      const now = clock.now()
      return database.run(pruneDays, { before: dayOf(now - KEPT_MS).name, today: dayOf(now).name })
    },
  }
}

/** Forgets the days before `before`, and of deleted accounts those before `today`; gives how many rows went. */
const pruneDays = command(
  'quota.prune',
  function* (tx, { before, today }: { before: string; today: string }) {
    const old = yield* tx.run(removeDaysBefore, { day: before })
    return old + (yield* tx.run(removeDaysOfGoneBefore, { day: today }))
  },
)
