import type { Clock } from '#src/lib/clock.ts'
import type { Origin } from '#src/plugins/origin.ts'
import type { Limits } from './limits.ts'
import type { Passwords } from './passwords.ts'
import type { AccountStore } from './store.ts'

export interface ProofDeps {
  store: Pick<AccountStore, 'guessPassword' | 'takeBackGuess' | 'noteWrongPassword'>
  passwords: Passwords
  limits: Limits
  clock: Clock
}

/** What says whether a password is an account's; wrong ones are counted alike for numbers that nobody has. */
export function createProof({ store, passwords, limits, clock }: ProofDeps) {
  /** @throws Problem 429 where this account had too many wrong passwords today */
  return async function prove(
    password: string,
    hash: string | null,
    { phone, id = null }: { phone: string; id?: string | null },
    origin: Origin,
  ): Promise<boolean> {
    passwords.refuseWhenBusy()
    const limit = limits.wrongPassword(phone)
    const now = clock.now()
    // Counted before it is looked at: of many guesses at once all would pass a limit that only those behind them reach.
    const guess = { wrong: limit, limits: [limits.request(origin.network)], now }
    const wrong = await store.guessPassword(guess)
    let isRight: boolean
    try {
      isRight = await passwords.matches(password, hash)
    } catch (error) {
      await store.takeBackGuess(limit)
      throw error
    }
    if (isRight) await store.takeBackGuess(limit)
    else await store.noteWrongPassword({ userId: id, wrong, origin, now })
    return isRight
  }
}
