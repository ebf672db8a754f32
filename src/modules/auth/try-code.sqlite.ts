import { eq, sql } from 'drizzle-orm'
import { users } from '#drizzle/schema.ts'
import { type Command, type SyncTx, syncCommand } from '#src/database/command.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { refuseSpent, spend, tally } from '#src/modules/limits/commands.ts'
import { accountColumns } from './account-columns.ts'
import { createTriesLeft } from './challenges.sqlite.ts'
import type { Codes } from './codes.ts'
import type { Account, Attempt, Verdict, Whence } from './store.ts'

/**
 * Tries that a client may make from another network without the challenge's id. It may be an honest client of the
 * prototype whose address changed; the rest of the five is kept for the requester.
 */
const STRAY_TRIES = 3

/** Failures of a number in a day up to which a mistyped digit explains them. */
const FAILURES_EXPLAINED = 4

interface Candidate {
  id: string
  requester: string
  isHome: number
  userId: string | null
  codeHash: string
  provenHash: string | null
  passwordRefused: number
}

/**
 * Tries a code against the challenge of the given id, or without an id against the open challenge of the client's
 * network and the newest one of another. Each challenge it is compared with loses a try, before the comparison.
 */
export function createTryCode(codes: Codes): Command<Attempt, Verdict> {
  return syncCommand('auth.try-code', (connection) => {
    const { orm, sqlite } = connection
    const triesLeft = createTriesLeft(connection)
    // Both use otp_one_open_challenge or the primary key.
    const columns = `id, requester, is_home AS isHome, user_id AS userId, code_hash AS codeHash,
      proven_hash AS provenHash, password_refused AS passwordRefused`
    const isOpen = `phone = $phone AND purpose = $purpose AND ended_at IS NULL AND expires_at > $now AND tries < tries_allowed`
    type Where = [Record<string, string | number>]
    const byHandle = sqlite.query<Candidate, Where>(
      `SELECT ${columns} FROM otp_challenges WHERE id = $challengeId AND ${isOpen}`,
    )
    const ofNetwork = sqlite.query<Candidate, Where>(
      `SELECT ${columns} FROM otp_challenges WHERE requester = $requester AND ${isOpen}`,
    )
    const ofOthers = sqlite.query<Candidate, Where>(
      `SELECT ${columns} FROM otp_challenges WHERE requester <> $requester AND stray_tries < ${STRAY_TRIES} AND ${isOpen}
       ORDER BY created_at DESC LIMIT 1`,
    )
    const countTry = sqlite.query<unknown, [string, number]>(
      'UPDATE otp_challenges SET tries = tries + 1, stray_tries = stray_tries + ?2 WHERE id = ?1',
    )
    const showRefusal = sqlite.query<unknown, [string]>(
      'UPDATE otp_challenges SET password_refused = 0 WHERE id = ?1',
    )
    const isMarked = sqlite.query<unknown, [string, number]>(
      'SELECT 1 FROM rate_limits WHERE key = ?1 AND resets_at > ?2',
    )
    const uncount = sqlite.query<unknown, [string]>(UNCOUNT)
    const byId = orm
      .select(accountColumns)
      .from(users)
      .where(eq(users.id, sql.placeholder('id')))
      .prepare()

    function* candidates({ challengeId, ...of }: Attempt): Generator<[Candidate, number]> {
      const { phone, purpose, requester, now } = of
      if (challengeId !== undefined) {
        const one = byHandle.get({ challengeId, phone, purpose, now })
        if (one) yield [one, 0]
        return
      }
      const own = ofNetwork.get({ requester, phone, purpose, now })
      if (own) yield [own, 0]
      const other = ofOthers.get({ requester, phone, purpose, now })
      if (other) yield [other, 1]
    }

    /** What a right code is worth, given the password of the account. */
    function judge(tx: SyncTx, attempt: Attempt, challenge: Candidate, account: Account): Verdict {
      const { purpose, requester, withPassword, wrongPasswords, origin, now } = attempt
      const { id: challengeId } = challenge
      const byHandle = attempt.challengeId !== undefined
      const isBound = byHandle || challenge.requester === requester
      // A sign-up's password is adopted only by the client that holds the id: the network may be shared.
      const isProofOurs = account.verified ? isBound : byHandle
      const provenHash = isProofOurs ? challenge.provenHash : null
      const right = { is: 'right', challengeId, provenHash, account } as const
      if (purpose !== 'login' || withPassword || !account.verified || !account.passwordHash)
        return right
      const isRefused = isBound && challenge.passwordRefused === 1
      if (provenHash === account.passwordHash || isRefused)
        tx.run(refuseSpent, { limits: [wrongPasswords], now })
      if (provenHash === account.passwordHash) return right
      if (!isRefused) {
        uncount.run(challengeId)
        return { is: 'password-required' }
      }
      showRefusal.run(challengeId)
      const wrong = tx.run(tally, { limit: wrongPasswords, now })
      tx.run(auditRefusal, { event: 'password.refused', userId: account.id, wrong, origin, now })
      return { is: 'password-refused' }
    }

    return (tx, attempt) => {
      const { phone, purpose, code, limits, wrongCodes, origin, now } = attempt
      tx.run(spend, { limits, now })
      let isCompared = false
      for (const [challenge, stray] of candidates(attempt)) {
        // The owner's count is for their own networks: a code from elsewhere spends what strangers have.
        const isOwners = challenge.isHome === 1 && stray === 0
        const isForeign = challenge.isHome === 1 && stray === 1
        if (isForeign && triesLeft({ phone, isHome: false, wrongCodes, now }).left <= 0) continue
        countTry.run(challenge.id, stray)
        const binding = { purpose, phone, challengeId: challenge.id }
        // Only once the code is right: a wrong one takes as long for a number that has no account.
        const row = codes.matches(binding, code, challenge.codeHash)
          ? byId.get({ id: challenge.userId ?? '' })
          : undefined
        if (row) {
          const { verifiedAt, ...account } = row
          return judge(tx, attempt, challenge, { ...account, verified: verifiedAt !== null })
        }
        isCompared = true
        const limit = isOwners ? wrongCodes.home : wrongCodes.stranger
        const wrong = tx.run(tally, { limit, now })
        const { userId } = challenge
        tx.run(auditRefusal, { event: 'code.refused', userId, wrong, purpose, origin, now })
      }
      if (!isCompared) {
        const isHome = isMarked.get(attempt.home.key, now) !== null
        tx.run(refuseSpent, { limits: [isHome ? wrongCodes.home : wrongCodes.stranger], now })
      }
      return { is: 'wrong' }
    }
  })
}

const UNCOUNT = 'UPDATE otp_challenges SET tries = tries - 1 WHERE id = ?1 AND tries > 0'

/** Gives a try back: the code was right and the server could not do its part, or a password was missing. */
export const giveBackTry: Command<string, void> = syncCommand(
  'auth.give-back-try',
  ({ sqlite }) => {
    const uncount = sqlite.query<unknown, [string]>(UNCOUNT)
    return (_tx, challengeId) => {
      uncount.run(challengeId)
    }
  },
)

/** Writes down what the password that came with the request for a code turned out to be; null where it was wrong. */
export const noteProof: Command<{ challengeId: string; provenHash: string | null }, void> =
  syncCommand('auth.note-proof', ({ sqlite }) => {
    const note = sqlite.query<unknown, [string, string | null]>(
      'UPDATE otp_challenges SET proven_hash = ?2, password_refused = (?2 IS NULL) WHERE id = ?1',
    )
    return (_tx, { challengeId, provenHash }) => {
      note.run(challengeId, provenHash)
    }
  })

/** Writes a failure into the audit log once there are more than mistyping explains: at most 16 a number and day. */
export const auditRefusal: Command<
  {
    event: 'code.refused' | 'password.refused'
    userId: string | null
    /** How many there are today, this one included. */
    wrong: number
    purpose?: string
    origin: Whence
    now: number
  },
  void
> = syncCommand(
  'auth.audit-refusal',
  () =>
    (tx, { event, userId, wrong, purpose, origin, now }) => {
      if (wrong <= FAILURES_EXPLAINED) return
      const detail = purpose === undefined ? { wrong } : { purpose, wrong }
      tx.run(audit, { at: now, event, userId, actor: 'stranger', origin, detail })
    },
)
