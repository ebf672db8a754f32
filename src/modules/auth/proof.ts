import type { Clock } from '#src/lib/clock.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { Origin } from '#src/plugins/origin.ts'
import type { HashFor } from './hash-gate.ts'
import type { Passwords } from './passwords.ts'
import type { AccountStore } from './store.ts'

export interface ProofDeps {
  store: Pick<AccountStore, 'guessPassword' | 'takeBackGuess' | 'noteWrongPassword'>
  passwords: Passwords
  clock: Clock
}

/** A password given after a right code or within a session. */
export interface Guess {
  password: string
  /** Null where the account has none: then no password is right. */
  hash: string | null
  userId: string
  /** Where wrong ones are counted. */
  wrong: Limit
  limits: readonly Limit[]
}

/** Who a hash is computed for; the widest range, so that many small networks of one customer count as one. */
export function hashFor({ networks, network }: Origin, isProven: boolean): HashFor {
  return { network: networks.at(-1)?.name ?? network, isProven }
}

/** Returns the function that decides whether a password is the account's. */
export function createProof({ store, passwords, clock }: ProofDeps) {
  /** @throws Problem 429 where there were too many wrong passwords today, 503; then no guess is counted */
  return async function prove(guess: Guess, origin: Origin): Promise<boolean> {
    const who = hashFor(origin, true)
    const { password, hash, userId, wrong: limit, limits } = guess
    passwords.refuseWhenBusy(who)
    const now = clock.now()
    // Counted before it is compared: parallel guesses could otherwise all pass a limit that only the last one reaches.
    const wrong = await store.guessPassword({ wrong: limit, limits, now })
    let isRight: boolean
    try {
      isRight = await passwords.matches(password, hash, who)
    } catch (error) {
      await store.takeBackGuess(limit)
      throw error
    }
    if (isRight) await store.takeBackGuess(limit)
    else await store.noteWrongPassword({ userId, wrong, origin, now })
    return isRight
  }
}

/**
 * Does what a right code allows. Where that fails, as with a busy server or a refused new password, the code's try is
 * given back: five such failures must not use the code up.
 */
export async function keepTry<T>(
  store: Pick<AccountStore, 'giveBackTry'>,
  challengeId: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } catch (error) {
    await store.giveBackTry(challengeId)
    throw error
  }
}
