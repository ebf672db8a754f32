import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { refuseSpent, spend, tally } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import { findCount } from '#src/modules/limits/statements.ts'
import type { ClientInfo } from '#src/plugins/origin.ts'
import { type Account, auditRefusal, getAccount } from './account-commands.ts'
import { findTriesLeft } from './challenge-commands.ts'
import {
  type ChallengeRow,
  clearRefusal,
  countTry,
  findChallenge,
  findChallengeOfOthers,
  findChallengeOfRequester,
  takeTryBack,
} from './challenge-statements.ts'
import type { Codes, Purpose } from './codes.ts'
import type { WrongCodes } from './limits.ts'

/**
 * Tries that a client may make from another network without the challenge's id. It may be an honest client of the
 * prototype whose address changed; the rest of the five is kept for the requester.
 */
const STRAY_TRIES = 3

export interface Attempt {
  phone: string
  purpose: Purpose
  code: string
  /** As the answer to the request for the code gave it; clients of the prototype do not know it. */
  challengeId: string | undefined
  /** Keyed digest of the client's network (for `delete`: of the user). */
  requester: string
  /** False where no password came with the code: where the account has one, a right code then spends no try. */
  withPassword: boolean
  limits: readonly Limit[]
  wrongCodes: WrongCodes
  home: Limit
  wrongPasswords: Limit
  origin: ClientInfo
  now: number
}

/** What a code was found to be. */
export type Verdict =
  | { is: 'wrong' }
  | { is: 'password-required' }
  /** The password that came with the request for the code was wrong. */
  | { is: 'password-refused' }
  /** `provenHash`: the password hash that this client proved when it asked for the code. */
  | { is: 'right'; challengeId: string; provenHash: string | null; account: Account }

/**
 * Tries a code against the challenge of the given id, or without an id against the open challenge of the client's
 * network and the newest one of another. Each challenge it is compared with loses a try, before the comparison.
 * @throws Problem 429
 */
export function createTryCode(codes: Codes) {
  return command('auth.try-code', function* (tx, attempt: Attempt): Steps<Verdict> {
    const { phone, purpose, code, wrongCodes, origin, now } = attempt
    yield* spend.steps(tx, { limits: attempt.limits, now })
    let isCompared = false
    for (const isStray of [false, true]) {
      const challenge = yield* findCandidate(tx, attempt, isStray)
      if (!challenge) continue
      const isHome = challenge.isHome === 1
      // The count of the owner's networks is theirs: a code from elsewhere spends the tries of strangers.
      if (isHome && isStray) {
        const asked = { phone, isHome: false, wrongCodes, now }
        if ((yield* findTriesLeft(tx, asked)).left <= 0) continue
      }
      yield* tx.run(countTry, { id: challenge.id, stray: isStray ? 1 : 0 })
      const binding = { purpose, phone, challengeId: challenge.id }
      // Read only once the code is right: a wrong one takes as long for a number that has no account.
      const account = codes.matches(binding, code, challenge.codeHash)
        ? yield* getAccount.steps(tx, { userId: challenge.userId ?? '' })
        : undefined
      if (account) return yield* judge(tx, attempt, challenge, account)
      isCompared = true
      const limit = isHome && !isStray ? wrongCodes.home : wrongCodes.stranger
      const wrong = yield* tally.steps(tx, { limit, now })
      const { userId } = challenge
      yield* auditRefusal(tx, { event: 'code.refused', userId, wrong, purpose, origin, now })
    }
    if (!isCompared) {
      const isHome = yield* tx.first(findCount, { key: attempt.home.key, now })
      const limit = isHome ? wrongCodes.home : wrongCodes.stranger
      yield* refuseSpent.steps(tx, { limits: [limit], now })
    }
    return { is: 'wrong' }
  })
}

function* findCandidate(
  tx: Tx,
  attempt: Attempt,
  isStray: boolean,
): Steps<ChallengeRow | undefined> {
  const { challengeId: id, requester, phone, purpose, now } = attempt
  const open = { phone, purpose, now }
  if (id !== undefined) return isStray ? undefined : yield* tx.first(findChallenge, { ...open, id })
  return isStray
    ? yield* tx.first(findChallengeOfOthers, { ...open, requester, strayTries: STRAY_TRIES })
    : yield* tx.first(findChallengeOfRequester, { ...open, requester })
}

/** What a right code is worth, given the password of the account. */
function* judge(
  tx: Tx,
  attempt: Attempt,
  challenge: ChallengeRow,
  account: Account,
): Steps<Verdict> {
  const { purpose, requester, withPassword, wrongPasswords, origin, now } = attempt
  const { id: challengeId } = challenge
  const hasId = attempt.challengeId !== undefined
  const isBound = hasId || challenge.requester === requester
  // A sign-up's password is adopted only by the client that has the id: the network may be shared.
  const isProofOurs = account.verified ? isBound : hasId
  const provenHash = isProofOurs ? challenge.provenHash : null
  const right = { is: 'right', challengeId, provenHash, account } as const
  if (purpose !== 'login' || withPassword || !account.verified || !account.passwordHash) {
    return right
  }
  const isProven = provenHash === account.passwordHash
  const isRefused = isBound && challenge.passwordRefused === 1
  if (isProven || isRefused) yield* refuseSpent.steps(tx, { limits: [wrongPasswords], now })
  if (isProven) return right
  if (!isRefused) {
    yield* tx.run(takeTryBack, { id: challengeId })
    return { is: 'password-required' }
  }
  yield* tx.run(clearRefusal, { id: challengeId })
  const wrong = yield* tally.steps(tx, { limit: wrongPasswords, now })
  yield* auditRefusal(tx, { event: 'password.refused', userId: account.id, wrong, origin, now })
  return { is: 'password-refused' }
}
