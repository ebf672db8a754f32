import type { Limit } from '#src/modules/limits/limit.ts'
import type { Origin } from '#src/plugins/origin.ts'
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

/** Wrong codes of a number: those on challenges from the owner's own networks apart from all others. */
export interface WrongCodes {
  stranger: Limit
  home: Limit
}

/** What the delivery of a code needs to know. */
export interface CodeToDeliver {
  challengeId: string
  sealedCode: string
  purpose: Purpose
  /** Of the text, as negotiated from Accept-Language. */
  language: string
  /** Keys of the limits to give back where no SMS is sent. */
  budget: readonly string[]
}

export interface ChallengeToOpen {
  id: string
  phone: string
  purpose: Purpose
  /** Keyed digest of who asks: a later request of the same requester replaces the challenge. */
  requester: string
  codeHash: string
  sealedCode: string
  language: string
  limits: readonly Limit[]
  /** Reserved, and given back where no SMS is sent. */
  budget: readonly Limit[]
  wrongCodes: WrongCodes
  /** Set where the number was proven from this network before; null where the requester is logged in. */
  home: Limit | null
  resend: Limit
  trace: string | undefined
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
  origin: Whence
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
  /** Sessions of one user at a time; with one more the oldest ends. */
  mostSessions: number
  resend: Limit
  home: Limit
  origin: Whence
  now: number
}

export interface PasswordReset {
  challengeId: string
  userId: string
  passwordHash: string
  resend: Limit
  home: Limit
  /** Forgotten: the person who reset the password owns the number. */
  wrongPasswords: readonly Limit[]
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
  /** Forgotten: the new password has not been guessed yet. */
  wrongPasswords: readonly Limit[]
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
  /** Writes it into the audit log once there are many. */
  noteWrongPassword(input: {
    userId: string | null
    wrong: number
    origin: Whence
    now: number
  }): Promise<void>
  /** Replaces the requester's open challenge and enqueues its delivery. @throws Problem 429 */
  openChallenge(input: ChallengeToOpen): Promise<OpenedChallenge>
  /** Counts the try before it compares. @throws Problem 429 */
  tryCode(input: Attempt): Promise<Verdict>
  /** The code was right, and the server could not do its part. */
  giveBackTry(challengeId: string): Promise<void>
  /** Keeps what the password that came with the request for a code turned out to be; null: wrong. */
  noteProof(input: { challengeId: string; provenHash: string | null }): Promise<void>
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
