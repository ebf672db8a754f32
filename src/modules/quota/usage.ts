import type { ReadTx, Steps, Tx } from '#src/database/steps.ts'
import { MINUTE } from '#src/lib/time.ts'
import type { Bounds, Usage } from './model.ts'
import {
  findDay,
  findUsage,
  insertUsage,
  keepDay,
  refundPast,
  refundToday,
  removeDay,
  removeDaysOf,
  removeUsage,
  settleUsage,
  updateUsage,
} from './statements.ts'

export type Place = {
  numberDigest: string
  /** Today. */
  day: string
}

/** A usage of today, and the row it comes from; that of another day is kept when this one is saved. */
interface Loaded {
  usage: Usage
  stored: Usage | undefined
  /** Today's counts come from `quota_usage`: the account is new to its number, or the clock was set back. */
  isFromPast: boolean
}

const NONE: Omit<Usage, 'day'> = {
  used: 0,
  starts: 0,
  minuteAt: 0,
  minutePrompts: 0,
  pending: 0,
  storedBytes: 0,
}

/** What a number uses today. */
export function* loadUsage(tx: ReadTx, { numberDigest, day }: Place): Steps<Loaded> {
  const stored = yield* tx.first(findUsage, { numberDigest })
  if (stored?.day === day) return { usage: stored, stored, isFromPast: false }
  const past = yield* tx.first(findDay, { numberDigest, day })
  const { used, starts } = past ?? NONE
  return {
    usage: { ...(stored ?? NONE), day, used, starts },
    stored,
    isFromPast: past !== undefined,
  }
}

function* saveUsage(
  tx: Tx,
  numberDigest: string,
  { stored, isFromPast }: Loaded,
  usage: Usage,
): Steps<void> {
  if (isFromPast) yield* tx.run(removeDay, { numberDigest, day: usage.day })
  if (stored && stored.day !== usage.day) yield* keep(tx, numberDigest, stored, false)
  yield* tx.run(stored ? updateUsage : insertUsage, { ...usage, numberDigest })
}

function* keep(
  tx: Tx,
  numberDigest: string,
  { day, used, starts }: Usage,
  accountGone: boolean,
): Steps<void> {
  if (used === 0 && starts === 0) return
  yield* tx.run(keepDay, { numberDigest, day, used, starts, accountGone: accountGone ? 1 : 0 })
}

/**
 * Counts a prompt, the start of its reply and its bytes. Gives the usage as it then is, or where a bound is `exceeded`
 * the usage as it was; nothing is counted then.
 */
export function* takePrompt(
  tx: Tx,
  { bounds, bytes, now, ...place }: Place & { bounds: Bounds; bytes: number; now: number },
): Steps<{ usage: Usage; exceeded?: keyof Bounds }> {
  const loaded = yield* loadUsage(tx, place)
  const { usage } = loaded
  const minute = minuteOf(usage, now)
  const exceeded = exceededBound(bounds, { ...usage, ...minute }, bytes)
  if (exceeded) return { usage: { ...usage, ...minute }, exceeded }
  const next = {
    day: usage.day,
    used: usage.used + (bounds.prompts === null ? 0 : 1),
    starts: usage.starts + 1,
    minuteAt: minute.minuteAt,
    minutePrompts: minute.minutePrompts + 1,
    pending: usage.pending + 1,
    storedBytes: usage.storedBytes + bytes,
  }
  yield* saveUsage(tx, place.numberDigest, loaded, next)
  return { usage: next }
}

/** A minute that begins after now was written by a clock that has since been set back. */
function minuteOf({ minuteAt, minutePrompts }: Usage, now: number) {
  if (minuteAt <= now && now < minuteAt + MINUTE) return { minuteAt, minutePrompts }
  return { minuteAt: now, minutePrompts: 0 }
}

/** The longest wait first. */
function exceededBound(bounds: Bounds, usage: Usage, bytes: number): keyof Bounds | undefined {
  if (bounds.prompts !== null && usage.used >= bounds.prompts) return 'prompts'
  if (usage.starts >= bounds.starts) return 'starts'
  if (usage.storedBytes + bytes > bounds.storedBytes) return 'storedBytes'
  if (usage.minutePrompts >= bounds.promptsPerMinute) return 'promptsPerMinute'
  if (usage.pending >= bounds.pending) return 'pending'
  return undefined
}

/**
 * Counts a further start; false, and none is counted, where none is left.
 * @param leavesPrompts one start stays for each prompt that the day has left
 */
export function* takeStart(
  tx: Tx,
  { bounds, leavesPrompts, ...place }: Place & { bounds: Bounds; leavesPrompts: boolean },
): Steps<boolean> {
  const loaded = yield* loadUsage(tx, place)
  const { usage } = loaded
  const left = leavesPrompts ? Math.max(0, (bounds.prompts ?? 0) - usage.used) : 0
  if (usage.starts + left >= bounds.starts) return false
  yield* saveUsage(tx, place.numberDigest, loaded, { ...usage, starts: usage.starts + 1 })
  return true
}

/** How a reply settles what its prompt took. */
export interface Settlement {
  numberDigest: string
  /** UTF-8 bytes of the reply. */
  bytes: number
  /** The day on which the prompt was paid, where it is refunded; null where it stays charged. */
  refundTo: string | null
}

export function* settlePrompt(
  tx: Tx,
  { numberDigest, bytes, refundTo: day }: Settlement,
): Steps<void> {
  yield* tx.run(settleUsage, { numberDigest, bytes })
  if (day === null) return
  if ((yield* tx.run(refundToday, { numberDigest, day })) > 0) return
  yield* tx.run(refundPast, { numberDigest, day })
}

/** Counts text that is stored, or with a negative number freed; false where `most` bytes are not enough. */
export function* storeText(
  tx: Tx,
  { bytes, most, ...place }: Place & { bytes: number; most: number },
): Steps<boolean> {
  const loaded = yield* loadUsage(tx, place)
  const { usage } = loaded
  const storedBytes = usage.storedBytes + bytes
  if (bytes > 0 && storedBytes > most) return false
  const next = { ...usage, storedBytes: Math.max(0, storedBytes) }
  yield* saveUsage(tx, place.numberDigest, loaded, next)
  return true
}

/** The account of a number is deleted: only today's counts stay, under `keptAs`, for as long as the day lasts. */
export function* leaveNumber(
  tx: Tx,
  { keptAs, ...place }: Place & { keptAs: string },
): Steps<void> {
  const { usage } = yield* loadUsage(tx, place)
  const { numberDigest } = place
  yield* tx.run(removeUsage, { numberDigest })
  yield* tx.run(removeDaysOf, { numberDigest })
  yield* keep(tx, keptAs, usage, true)
}
