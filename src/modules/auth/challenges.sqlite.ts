import { sql } from 'drizzle-orm'
import { otpChallenges } from '#drizzle/schema.ts'
import { type Command, type Connection, syncCommand } from '#src/database/command.ts'
import { spend, takeBack } from '#src/modules/limits/commands.ts'
import { tooMany } from '#src/modules/limits/limit.ts'
import type { NewJob } from '#src/queue/job.ts'
import type { Queue } from '#src/queue/queue.ts'
import { CODE_LIFE_MS, CODE_TRIES } from './codes.ts'
import { resendDelayMs } from './limits.ts'
import type { ChallengeToOpen, CodeToDeliver, OpenedChallenge } from './store.ts'

const { placeholder } = sql

export interface Delivery {
  /** The job that delivers a code; undefined where the answer contains the code. */
  job(code: CodeToDeliver): NewJob | undefined
}

/** Opens a challenge in place of the requester's last one and enqueues its delivery. */
export function createOpenChallenge(
  queue: Queue,
  delivery: Delivery,
): Command<ChallengeToOpen, OpenedChallenge> {
  return syncCommand('auth.open-challenge', (connection) => {
    const { orm, sqlite } = connection
    const counted = sqlite.query<{ count: number; resets_at: number }, [string, number]>(
      'SELECT count, resets_at FROM rate_limits WHERE key = ?1 AND resets_at > ?2',
    )
    // From each code on, an hour without another forgets how many there were.
    const countSent = sqlite.query<unknown, [Record<string, string | number>]>(`
      INSERT INTO rate_limits (key, count, resets_at) VALUES ($key, $count, $resetsAt)
      ON CONFLICT (key) DO UPDATE SET count = $count, resets_at = $resetsAt`)
    const reserveTries = createReserveTries(connection)
    // Uses otp_one_open_challenge. A challenge that another network asked for stays open: nobody can end the owner's.
    const replace = sqlite.query<unknown, [Record<string, string | number>]>(`
      UPDATE otp_challenges SET ended_at = $now
      WHERE phone = $phone AND purpose = $purpose AND requester = $requester AND ended_at IS NULL`)
    const insert = orm
      .insert(otpChallenges)
      .values({
        id: placeholder('id'),
        phone: placeholder('phone'),
        purpose: placeholder('purpose'),
        // Within the statement, so that nothing here takes longer for a number that has an account.
        userId: sql`(SELECT id FROM users WHERE phone = ${placeholder('phone')})`,
        requester: placeholder('requester'),
        isHome: placeholder('isHome'),
        codeHash: placeholder('codeHash'),
        triesAllowed: placeholder('triesAllowed'),
        createdAt: placeholder('now'),
        expiresAt: placeholder('expiresAt'),
      })
      .returning({ userId: otpChallenges.userId })
      .prepare()
    return (tx, input) => {
      const { id, phone, purpose, requester, codeHash, home, resend, budget, now } = input
      const before = counted.get(resend.key, now)
      const count = before?.count ?? 0
      const lastAt = (before?.resets_at ?? 0) - resend.windowMs
      const windowMs = resendDelayMs(count)
      if (before && lastAt <= now && now < lastAt + windowMs) {
        throw tooMany({ name: 'resend', most: 1, windowMs }, lastAt + windowMs, now)
      }
      const isHome = home === null || counted.get(home.key, now) !== null
      replace.run({ phone, purpose, requester, now })
      const triesAllowed = reserveTries({ phone, isHome, wrongCodes: input.wrongCodes, now })
      tx.run(spend, { limits: [...input.limits, ...budget], now })
      countSent.run({ key: resend.key, count: count + 1, resetsAt: now + resend.windowMs })
      const expiresAt = now + CODE_LIFE_MS
      const row = { id, phone, purpose, requester, isHome, codeHash, triesAllowed, now, expiresAt }
      const opened = insert.get(row)
      const { sealedCode, language } = input
      const keys = budget.map(({ key }) => key)
      const job = delivery.job({ challengeId: id, sealedCode, purpose, language, budget: keys })
      if (job) {
        const trace = input.trace === undefined ? {} : { trace: input.trace }
        queue.enqueue(tx, { ...job, ...trace, deadlineAt: expiresAt })
      } else if (opened?.userId === null) {
        for (const limit of budget) tx.run(takeBack, limit)
      }
      return { expiresAt, resendAt: now + resendDelayMs(count + 1) }
    }
  })
}

type NumberTries = Pick<ChallengeToOpen, 'phone' | 'wrongCodes' | 'now'> & { isHome: boolean }

/**
 * The tries of a number that are neither spent today nor reserved for a challenge that is open, and when some come free.
 * Wrong codes and open tries together never exceed the day's limit, so wrong codes typed against one challenge cannot
 * take the tries of another that is open.
 */
export function createTriesLeft({ sqlite }: Connection) {
  const spent = sqlite.query<{ count: number; resets_at: number }, [string, number]>(
    'SELECT count, resets_at FROM rate_limits WHERE key = ?1 AND resets_at > ?2',
  )
  // Uses otp_one_open_challenge.
  const reserved = sqlite.query<
    { tries: number; firstEndsAt: number | null },
    [Record<string, string | number | boolean>]
  >(`
    SELECT coalesce(sum(tries_allowed - tries), 0) AS tries, min(expires_at) AS firstEndsAt FROM otp_challenges
    WHERE phone = $phone AND is_home = $isHome AND ended_at IS NULL AND expires_at > $now`)
  return ({ phone, isHome, wrongCodes, now }: NumberTries) => {
    const limit = isHome ? wrongCodes.home : wrongCodes.stranger
    const wrong = spent.get(limit.key, now)
    const open = reserved.get({ phone, isHome, now })
    const left = limit.most - (wrong?.count ?? 0) - (open?.tries ?? 0)
    const isSpent = wrong && wrong.count >= limit.most
    return { limit, left, freeAt: (isSpent ? wrong.resets_at : open?.firstEndsAt) ?? now }
  }
}

/** @throws Problem 429 where none is left */
function createReserveTries(connection: Connection) {
  const triesLeft = createTriesLeft(connection)
  return (input: NumberTries): number => {
    const { limit, left, freeAt } = triesLeft(input)
    if (left > 0) return Math.min(CODE_TRIES, left)
    throw tooMany(limit, freeAt, input.now)
  }
}

/** Ends a challenge and the others open for its number and purpose; false where it was used, or its time is over. */
export const useChallenge: Command<{ challengeId: string; now: number }, boolean> = syncCommand(
  'auth.use-challenge',
  ({ sqlite }) => {
    const use = sqlite.query<{ phone: string; purpose: string }, [string, number]>(`
      UPDATE otp_challenges SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL AND expires_at > ?2
      RETURNING phone, purpose`)
    // Uses otp_one_open_challenge.
    const endOthers = sqlite.query<unknown, [string, string, number]>(
      'UPDATE otp_challenges SET ended_at = ?3 WHERE phone = ?1 AND purpose = ?2 AND ended_at IS NULL',
    )
    return (_tx, { challengeId, now }) => {
      const used = use.get(challengeId, now)
      if (!used) return false
      endOthers.run(used.phone, used.purpose, now)
      return true
    }
  },
)
