import { fold } from '#src/lib/fold.ts'
import { type FieldError, invalid, Problem } from '#src/lib/problem.ts'
import type { HashFor, HashGate } from './hash-gate.ts'
import { isWeak } from './weak-password.ts'

const SHORTEST = 8
const LONGEST = 128
/** A shorter word of a name is in too many good passwords; a Chinese, Japanese or Korean name has two or three letters. */
const NAME_WORD = 4
const CJK_NAME = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]{2,}$/u
/** Digits from the end of a number, with or without its country code, that are taken for the number. */
const PHONE_DIGITS = 7

/** The cost of one hash; see docs/decisions/021-passwords.md. */
export interface HashCost {
  memoryKib: number
  passes: number
}

export interface Passwords {
  /** To be called before a request writes anything on its way to a hash. @throws Problem 503 */
  refuseWhenBusy(who: HashFor): void
  /** @throws Problem 503 */
  hash(password: string, who: HashFor): Promise<string>
  /** Takes as long where there is no hash. @throws Problem 503 */
  matches(password: string, hash: string | null, who: HashFor): Promise<boolean>
  /** A hash at today's cost where the one given was made at another. @throws Problem 503 */
  renew(password: string, hash: string, who: HashFor): Promise<string | undefined>
  /** @throws Problem 422 saying what is wrong with a new password */
  check(
    password: string,
    pointer: string,
    owner: { phone: string; name: string | null },
  ): Promise<void>
}

/** argon2id by Bun (NIST SP 800-63B: length, no composition rules, none of the common ones). */
export function createPasswords(
  { memoryKib, passes }: HashCost,
  gate: HashGate,
  bytes: (length: number) => Uint8Array,
): Passwords {
  const cost = { algorithm: 'argon2id', memoryCost: memoryKib, timeCost: passes } as const
  const parameters = `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$`
  // For accounts without a hash: verifying against it costs what a real one costs, and never succeeds.
  const unmatchable = `${parameters}${unpadded(bytes(32))}$${unpadded(bytes(32))}`
  const hash = (password: string, who: HashFor) =>
    gate.run(who, () => Bun.password.hash(password.normalize('NFC'), cost))
  return {
    refuseWhenBusy: gate.refuseWhenFull,
    hash,
    matches: (password, known, who) =>
      gate.run(who, () => Bun.password.verify(password.normalize('NFC'), known ?? unmatchable)),
    async renew(password, known, who) {
      return known.startsWith(parameters) ? undefined : hash(password, who)
    },
    async check(password, pointer, owner) {
      const fault = await faultOf(password.normalize('NFC'), owner)
      if (fault !== undefined) throw invalid({ pointer, detail: fault } satisfies FieldError)
    },
  }
}

async function faultOf(
  password: string,
  { phone, name }: { phone: string; name: string | null },
): Promise<string | undefined> {
  const length = [...password].length
  if (length < SHORTEST || length > LONGEST)
    return `must be ${SHORTEST} to ${LONGEST} characters long`
  const folded = fold(password)
  if (folded.replaceAll(/\D/g, '').includes(phone.slice(1).slice(-PHONE_DIGITS)))
    return 'must not hold your phone number'
  const words = fold(name ?? '')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length >= NAME_WORD || CJK_NAME.test(word))
  if (words.some((word) => folded.includes(word))) return 'must not hold your name'
  if (await isWeak(password)) return 'is one of the first that are guessed: choose another'
  return undefined
}

function unpadded(raw: Uint8Array): string {
  return raw.toBase64({ omitPadding: true })
}

/** The same for a wrong password and a number without an account. */
export function invalidCredentials(): Problem {
  return new Problem(401, 'invalid-credentials', 'The phone number or the password is wrong.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** For a user who is logged in: a 401 would make clients refresh their token. */
export function wrongPassword(): Problem {
  return new Problem(403, 'wrong-password', 'The password is wrong.')
}

/** The code is right and a password has to come with it; this spends no try. */
export function passwordRequired(): Problem {
  return new Problem(401, 'password-required', 'Send the password together with the code.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** What a hash gave; undefined where the server was too busy to compute it. */
export async function unlessBusy<T>(hashed: Promise<T>): Promise<T | undefined> {
  try {
    return await hashed
  } catch (error) {
    if (error instanceof Problem && error.slug === 'busy') return undefined
    throw error
  }
}
