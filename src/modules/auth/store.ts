import type { Origin } from '#src/plugins/origin.ts'
import type { Limit } from '#src/plugins/rate-limit.ts'
import type { NumberDigests } from './number-digest.ts'

export type Purpose = 'login' | 'reset' | 'delete'

/** Where a request comes from, as far as it is kept. */
export type Whence = Pick<Origin, 'ip' | 'requestId'>

export interface Account {
  id: string
  phone: string
  name: string | null
  passwordHash: string | null
  verified: boolean
}

export interface SignUp {
  id: string
  phone: string
  numberDigests: ReturnType<NumberDigests>
  name: string | null
  passwordHash: string | null
  origin: Whence
  now: number
}

export interface ChallengeToOpen {
  id: string
  phone: string
  purpose: Purpose
  codeHash: string
  sealedCode: string
  provenHash: string | null
  limits: readonly Limit[]
  wrongCodes: Limit
  resend: Limit
  trace: string | undefined
  origin: Whence
  now: number
}

export interface OpenedChallenge {
  expiresAt: number
  /** When the next code may be asked for. */
  resendAt: number
}

export interface Attempt {
  phone: string
  purpose: Purpose
  code: string
  /** False where the account has a password that was not given: a right code then spends no try. */
  withPassword: boolean
  limits: readonly Limit[]
  wrongCodes: Limit
  origin: Whence
  now: number
}

/** What a code was found to be. */
export type Verdict =
  | { is: 'wrong' }
  | { is: 'password-required' }
  | { is: 'right'; challengeId: string; provenHash: string | null; account: Account }

/** The session a login opens. */
export interface SessionToOpen {
  id: string
  refreshHash: string
  device: string | null
  ip: string | null
  expiresAt: number
}

export interface LogIn {
  challengeId: string
  userId: string
  /** The password hash that was proven; null where the code alone was enough. */
  provenHash: string | null
  /** The same password at today's cost. */
  renewedHash: string | undefined
  session: SessionToOpen
  resend: Limit
  origin: Whence
  now: number
}

export interface PasswordReset {
  challengeId: string
  userId: string
  passwordHash: string
  resend: Limit
  origin: Whence
  now: number
}

export interface PasswordChange {
  userId: string
  /** What it was when the right to change it was proven. */
  from: string | null
  to: string
  /** Given where an OTP was the proof. */
  challengeId: string | undefined
  keepSessionId: string
  origin: Whence
  now: number
}

/** What logging in asks of the database. Each method is one atomic unit. */
export interface AccountStore {
  /** Counts a request. @throws Problem 429 */
  admit(input: { limits: readonly Limit[]; now: number }): Promise<void>
  /** Makes an unverified account, or replaces the last; leaves a verified one as it is. */
  signUp(input: SignUp): Promise<void>
  byPhone(phone: string): Promise<Account | undefined>
  byId(userId: string): Promise<Account | undefined>
  /** Counts a request and takes the password for wrong; gives how many wrong ones there are. @throws Problem 429 */
  guessPassword(input: { wrong: Limit; limits: readonly Limit[]; now: number }): Promise<number>
  /** It was right, or nobody looked. */
  takeBackGuess(wrong: Limit): Promise<void>
  /** Tells the audit log of each fifth. */
  noteWrongPassword(input: {
    userId: string | null
    wrong: number
    origin: Whence
    now: number
  }): Promise<void>
  /** Replaces the open challenge and enqueues its delivery. @throws Problem 429 */
  openChallenge(input: ChallengeToOpen): Promise<OpenedChallenge>
  /** Counts the try before it compares. @throws Problem 429 */
  tryCode(input: Attempt): Promise<Verdict>
  /** Uses the challenge up; false where it was used already or the password is another by now. */
  logIn(input: LogIn): Promise<boolean>
  resetPassword(input: PasswordReset): Promise<boolean>
  changePassword(input: PasswordChange): Promise<boolean>
  useChallenge(input: { challengeId: string; now: number }): Promise<boolean>
}

export interface SessionRow {
  id: string
  device: string | null
  ip: string | null
  createdAt: number
  lastUsedAt: number
  expiresAt: number
}

export interface Rotation {
  hash: string
  /** Digests of what follows this token, by each key that may have made it; the first is the one to make. */
  successors: readonly string[]
  ttlMs: number
  longestMs: number
  graceMs: number
  limits: readonly Limit[]
  origin: Whence
  now: number
}

export type Rotated =
  | { is: 'refused' }
  | { is: 'rotated'; userId: string; sessionId: string; expiresAt: number; successor: string }

export interface SessionStore {
  /** @throws Problem 429 */
  rotate(input: Rotation): Promise<Rotated>
  /** Newest first, from behind `after`. */
  list(input: {
    userId: string
    limit: number
    after: { createdAt: number; id: string } | undefined
    now: number
  }): Promise<SessionRow[]>
  end(input: { userId: string; sessionId: string; origin: Whence; now: number }): Promise<boolean>
  endOthers(input: { userId: string; keepId: string; origin: Whence; now: number }): Promise<number>
}
