import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { setCount, spend, takeBack } from '#src/modules/limits/commands.ts'
import { type Limit, tooMany } from '#src/modules/limits/limit.ts'
import { findCount } from '#src/modules/limits/statements.ts'
import { enqueue } from '#src/queue/enqueue.ts'
import type { NewJob } from '#src/queue/job.ts'
import {
  endChallenge,
  endChallengeOfRequester,
  endChallengesOfNumber,
  insertChallenge,
  setProof,
  sumReservedTries,
  takeTryBack,
} from './challenge-statements.ts'
import { CODE_LIFE_MS, CODE_TRIES, type Purpose } from './codes.ts'
import { resendDelayMs, type WrongCodes } from './limits.ts'

export interface ChallengeToOpen {
  id: string
  phone: string
  purpose: Purpose
  /** Keyed digest of who asks: a later request of the same requester replaces the challenge. */
  requester: string
  codeHash: string
  limits: readonly Limit[]
  /** Reserved, and given back where no SMS is sent. */
  budget: readonly Limit[]
  wrongCodes: WrongCodes
  /** Set where the number was proven from this network before; null where the requester is logged in. */
  home: Limit | null
  resend: Limit
  /** Delivers the code; undefined where the answer contains it. */
  delivery: NewJob | undefined
  now: number
}

/**
 * Opens a challenge in place of the requester's last one and enqueues its delivery. Gives until when the code is valid,
 * and when the next may be asked for. @throws Problem 429
 */
export const openChallenge = command('auth.open-challenge', function* (tx, input: ChallengeToOpen) {
  const { id, phone, purpose, requester, codeHash, home, resend, budget, now } = input
  const sent = yield* tx.first(findCount, { key: resend.key, now })
  const count = sent?.count ?? 0
  if (sent) refuseEarlyResend(sent, resend, now)
  const isHome = home === null || (yield* tx.first(findCount, { key: home.key, now })) !== undefined
  yield* tx.run(endChallengeOfRequester, { phone, purpose, requester, now })
  const { wrongCodes } = input
  const { limit, left, freeAt } = yield* findTriesLeft(tx, { phone, isHome, wrongCodes, now })
  if (left <= 0) throw tooMany(limit, freeAt, now)
  yield* spend.steps(tx, { limits: [...input.limits, ...budget], now })
  // From each code on, an hour without another forgets how many there were.
  yield* setCount.steps(tx, {
    key: resend.key,
    count: count + 1,
    resetsAt: now + resend.windowMs,
  })
  const expiresAt = now + CODE_LIFE_MS
  const opened = yield* tx.first(insertChallenge, {
    id,
    phone,
    purpose,
    requester,
    isHome: isHome ? 1 : 0,
    codeHash,
    triesAllowed: Math.min(CODE_TRIES, left),
    now,
    expiresAt,
  })
  if (input.delivery) {
    yield* enqueue.steps(tx, { job: { ...input.delivery, deadlineAt: expiresAt }, now })
  } else if (opened?.userId === null) {
    for (const spent of budget) yield* takeBack.steps(tx, spent)
  }
  return { expiresAt, resendAt: now + resendDelayMs(count + 1) }
})

/** @throws Problem 429 */
function refuseEarlyResend(
  sent: { count: number; resetsAt: number },
  resend: Limit,
  now: number,
): void {
  const lastAt = sent.resetsAt - resend.windowMs
  const windowMs = resendDelayMs(sent.count)
  // A last code that lies ahead was sent by a clock that was set back.
  if (lastAt > now || now >= lastAt + windowMs) return
  throw tooMany({ name: 'resend', most: 1, windowMs }, lastAt + windowMs, now)
}

interface TriesAsked {
  phone: string
  isHome: boolean
  wrongCodes: WrongCodes
  now: number
}

/**
 * The tries of a number that are neither spent today nor reserved for a challenge that is open, and when some come free.
 * Wrong codes and open tries together never exceed the day's limit, so wrong codes typed against one challenge cannot
 * take the tries of another that is open.
 */
export function* findTriesLeft(
  tx: Tx,
  { phone, isHome, wrongCodes, now }: TriesAsked,
): Steps<{ limit: Limit; left: number; freeAt: number }> {
  const limit = isHome ? wrongCodes.home : wrongCodes.stranger
  const wrong = yield* tx.first(findCount, { key: limit.key, now })
  const open = yield* tx.first(sumReservedTries, { phone, isHome: isHome ? 1 : 0, now })
  const left = limit.most - (wrong?.count ?? 0) - (open?.tries ?? 0)
  const isSpent = wrong && wrong.count >= limit.most
  return { limit, left, freeAt: (isSpent ? wrong.resetsAt : open?.firstEndsAt) ?? now }
}

/** Ends a challenge and the others open for its number and purpose; false where it was used, or its time is over. */
export const useChallenge = command(
  'auth.use-challenge',
  function* (tx, { challengeId, now }: { challengeId: string; now: number }) {
    const used = yield* tx.first(endChallenge, { id: challengeId, now })
    if (!used) return false
    yield* tx.run(endChallengesOfNumber, { ...used, now })
    return true
  },
)

/** Gives a try back: the code was right, and the server could not do its part. */
export const giveBackTry = command(
  'auth.give-back-try',
  function* (tx, { challengeId }: { challengeId: string }) {
    yield* tx.run(takeTryBack, { id: challengeId })
  },
)

/** Stores the result for the password that came with the request for a code; null where it was wrong. */
export const noteProof = command(
  'auth.note-proof',
  function* (tx, input: { challengeId: string; provenHash: string | null }) {
    const { challengeId: id, provenHash } = input
    yield* tx.run(setProof, { id, provenHash, isRefused: provenHash === null ? 1 : 0 })
  },
)
