import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { takeBack } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { Origin } from '#src/plugins/origin.ts'
import { guessPassword, noteWrongPassword } from './account-commands.ts'
import { giveBackTry } from './challenge-commands.ts'
import type { HashFor } from './hash-gate.ts'
import type { Passwords } from './passwords.ts'

export interface ProofDeps {
  database: Database
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
export function createProof({ database, passwords, clock }: ProofDeps) {
  /** @throws Problem 429 where there were too many wrong passwords today, 503; then no guess is counted */
  return async function prove(guess: Guess, origin: Origin): Promise<boolean> {
    const who = hashFor(origin, true)
    const { password, hash, userId, wrong: limit, limits } = guess
    passwords.refuseWhenBusy(who)
    const now = clock.now()
    // Counted before it is compared: parallel guesses could otherwise all pass a limit that only the last one reaches.
    const wrong = await database.run(guessPassword, { wrong: limit, limits, now })
    let isRight: boolean
    try {
      isRight = await passwords.matches(password, hash, who)
    } catch (error) {
      await database.run(takeBack, limit)
      throw error
    }
    if (isRight) await database.run(takeBack, limit)
    else await database.run(noteWrongPassword, { userId, wrong, origin, now })
    return isRight
  }
}

/**
 * Does what a right code allows. Where that fails, as with a busy server or a refused new password, the code's try is
 * given back: five such failures must not use the code up.
 */
export async function keepTry<T>(
  database: Database,
  challengeId: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act()
  } catch (error) {
    await database.run(giveBackTry, { challengeId })
    throw error
  }
}
