import { command, query, type Steps, type Tx } from '#src/database/steps.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { forgive, refuseSpent, remember, spend, tally } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { ClientInfo } from '#src/plugins/origin.ts'
import {
  findAccount,
  findAccountByPhone,
  replacePassword,
  setPassword,
  storeSignUp,
  verifyAccount,
} from './account-statements.ts'
import { useChallenge } from './challenge-commands.ts'
import { endChallengesOfUser } from './challenge-statements.ts'
import type { NumberDigests } from './number-digest.ts'
import { endAllBut, openSession, type SessionToOpen } from './session-commands.ts'

/** Failures of a number in a day up to which a mistyped digit explains them. */
const FAILURES_EXPLAINED = 4

/** What logging in needs of a user. */
export interface Account {
  id: string
  phone: string
  name: string | null
  passwordHash: string | null
  verified: boolean
}

export const getAccount = query(
  'auth.account',
  function* (tx, asked: { userId: string } | { phone: string }): Steps<Account | undefined> {
    const row = yield* 'phone' in asked
      ? tx.first(findAccountByPhone, asked)
      : tx.first(findAccount, asked)
    if (!row) return undefined
    const { verifiedAt, ...account } = row
    return { ...account, verified: verifiedAt !== null }
  },
)

/** Counts a request and takes the password for wrong; gives how many wrong ones there are. @throws Problem 429 */
export const guessPassword = command(
  'auth.guess-password',
  function* (tx, { wrong, limits, now }: { wrong: Limit; limits: readonly Limit[]; now: number }) {
    yield* refuseSpent.steps(tx, { limits: [wrong], now })
    yield* spend.steps(tx, { limits, now })
    return yield* tally.steps(tx, { limit: wrong, now })
  },
)

export interface NewAccount {
  id: string
  phone: string
  numberDigests: ReturnType<NumberDigests>
  name: string | null
  passwordHash: string | null
  origin: ClientInfo
  now: number
}

/** Makes an account that is not verified, or replaces the last one; leaves a verified one as it is. */
export const signUp = command('auth.sign-up', function* (tx, input: NewAccount) {
  const { origin, numberDigests, ...account } = input
  const [numberDigest, previousDigest = numberDigest] = numberDigests
  const row = yield* tx.first(storeSignUp, { ...account, numberDigest, previousDigest })
  const isTaken = row?.verifiedAt !== null
  yield* audit.steps(tx, {
    at: account.now,
    event: isTaken ? 'account.sign-up-of-taken-number' : 'account.signed-up',
    userId: isTaken ? null : row.id,
    actor: 'stranger',
    origin,
  })
})

export interface LogIn {
  challengeId: string
  userId: string
  /** The password hash that was proven; null where the code alone was enough. */
  provenHash: string | null
  /** The same password at today's cost. */
  renewedHash: string | undefined
  session: SessionToOpen
  /** Sessions of one user at a time; with one more the oldest ends. */
  mostSessions: number
  resend: Limit
  home: Limit
  origin: ClientInfo
  now: number
}

/** Uses the challenge up; false where it was used already or the password is another by now. */
export const logIn = command('auth.log-in', function* (tx, input: LogIn) {
  const { challengeId, userId, session, provenHash, origin, now } = input
  const user = yield* getAccount.steps(tx, { userId })
  // Another password since it was proven: the proof is worth nothing.
  if (!user || (user.verified && user.passwordHash !== provenHash)) return false
  if (!(yield* useChallenge.steps(tx, { challengeId, now }))) return false
  yield* tx.run(verifyAccount, { userId, now, passwordHash: input.renewedHash ?? provenHash })
  yield* openSession(tx, { userId, session, most: input.mostSessions, origin, now })
  yield* forgive.steps(tx, input.resend)
  yield* remember.steps(tx, { limit: input.home, now })
  const event = { at: now, userId, actor: 'user', origin } as const
  if (!user.verified) yield* audit.steps(tx, { ...event, event: 'account.verified' })
  yield* audit.steps(tx, { ...event, event: 'login.succeeded', detail: { session: session.id } })
  return true
})

export interface PasswordReset {
  challengeId: string
  userId: string
  passwordHash: string
  resend: Limit
  home: Limit
  /** Forgotten: the person who reset the password owns the number. */
  wrongPasswords: readonly Limit[]
  origin: ClientInfo
  now: number
}

/** Ends every session; false where the challenge was used already. */
export const resetPassword = command('auth.reset-password', function* (tx, input: PasswordReset) {
  const { challengeId, userId, passwordHash, resend, home, wrongPasswords, origin, now } = input
  if (!(yield* useChallenge.steps(tx, { challengeId, now }))) return false
  yield* tx.run(setPassword, { userId, passwordHash, now })
  yield* endAccess(tx, { userId, keepId: '', now })
  for (const limit of [resend, ...wrongPasswords]) yield* forgive.steps(tx, limit)
  yield* remember.steps(tx, { limit: home, now })
  yield* audit.steps(tx, { at: now, event: 'password.reset', userId, actor: 'user', origin })
  return true
})

export interface PasswordChange {
  userId: string
  /** What it was when the right to change it was proven. */
  from: string | null
  to: string
  /** Given where an OTP was the proof. */
  challengeId: string | undefined
  keepSessionId: string
  /** Forgotten: the new password has not been guessed yet. */
  wrongPasswords: readonly Limit[]
  origin: ClientInfo
  now: number
}

/** Ends every other session; false where the challenge was used already or the password is another by now. */
export const changePassword = command(
  'auth.change-password',
  function* (tx, input: PasswordChange) {
    const { userId, from, to, challengeId, keepSessionId, wrongPasswords, origin, now } = input
    if (challengeId !== undefined && !(yield* useChallenge.steps(tx, { challengeId, now }))) {
      return false
    }
    if ((yield* tx.run(replacePassword, { userId, from, to, now })) === 0) return false
    yield* endAccess(tx, { userId, keepId: keepSessionId, now })
    for (const limit of wrongPasswords) yield* forgive.steps(tx, limit)
    yield* audit.steps(tx, { at: now, event: 'password.changed', userId, actor: 'user', origin })
    return true
  },
)

/** What the old password gave is over: sessions, and codes that were asked for before. */
function* endAccess(
  tx: Tx,
  { userId, keepId, now }: { userId: string; keepId: string; now: number },
): Steps<void> {
  yield* endAllBut(tx, { userId, keepId, now })
  yield* tx.run(endChallengesOfUser, { userId, now })
}

interface Refusal {
  event: 'code.refused' | 'password.refused'
  userId: string | null
  /** How many there are today, this one included. */
  wrong: number
  purpose?: string
  origin: ClientInfo
  now: number
}

/** Writes a failure into the audit log once there are more than mistyping explains: at most 16 a number and day. */
export function* auditRefusal(tx: Tx, refusal: Refusal): Steps<void> {
  const { event, userId, wrong, purpose, origin, now } = refusal
  if (wrong <= FAILURES_EXPLAINED) return
  const detail = purpose === undefined ? { wrong } : { purpose, wrong }
  yield* audit.steps(tx, { at: now, event, userId, actor: 'stranger', origin, detail })
}

export const noteWrongPassword = command(
  'auth.wrong-password',
  function* (tx, input: Omit<Refusal, 'event' | 'purpose'>) {
    yield* auditRefusal(tx, { event: 'password.refused', ...input })
  },
)
