import { and, eq, gt, isNull, lt, sql } from 'drizzle-orm'
import { otpChallenges, users } from '#drizzle/schema.ts'
import { type Command, command } from '#src/database/command.ts'
import { audit } from '#src/plugins/audit.ts'
import { refuseSpent, spend, tally, tooMany } from '#src/plugins/rate-limit.ts'
import type { NewJob } from '#src/queue/job.ts'
import type { Queue } from '#src/queue/queue.ts'
import { accountColumns } from './account-columns.ts'
import { CODE_LIFE_MS, CODE_TRIES, type Codes } from './codes.ts'
import { resendDelayMs } from './limits.ts'
import type { Attempt, ChallengeToOpen, OpenedChallenge, Verdict } from './store.ts'

const { placeholder } = sql

export interface Delivery {
  /** The job that delivers a code; undefined where the code is handed out another way. */
  job(code: { challengeId: string; sealedCode: string }): NewJob | undefined
}

/** Opens a challenge in place of the one before it and enqueues its delivery. */
export function createOpenChallenge(
  queue: Queue,
  delivery: Delivery,
): Command<ChallengeToOpen, OpenedChallenge> {
  return command('auth.open-challenge', ({ orm, sqlite }) => {
    const sentBefore = sqlite.query<{ count: number; resets_at: number }, [string, number]>(
      'SELECT count, resets_at FROM rate_limits WHERE key = ?1 AND resets_at > ?2',
    )
    // From each code on, an hour without another forgets how many there were.
    const countSent = sqlite.query<unknown, [Record<string, string | number>]>(`
      INSERT INTO rate_limits (key, count, resets_at) VALUES ($key, $count, $resetsAt)
      ON CONFLICT (key) DO UPDATE SET count = $count, resets_at = $resetsAt`)
    // Uses otp_one_open_challenge.
    const replace = sqlite.query<unknown, [Record<string, string | number>]>(`
      UPDATE otp_challenges SET ended_at = $now
      WHERE phone = $phone AND purpose = $purpose AND ended_at IS NULL`)
    const insert = orm
      .insert(otpChallenges)
      .values({
        id: placeholder('id'),
        phone: placeholder('phone'),
        purpose: placeholder('purpose'),
        // Within the statement, so that nothing here takes longer for a number that somebody has.
        userId: sql`(SELECT id FROM users WHERE phone = ${placeholder('phone')})`,
        codeHash: placeholder('codeHash'),
        provenHash: placeholder('provenHash'),
        createdAt: placeholder('now'),
        expiresAt: placeholder('expiresAt'),
      })
      .prepare()
    return (tx, input) => {
      const { id, phone, purpose, codeHash, provenHash, resend, now } = input
      const before = sentBefore.get(resend.key, now)
      const count = before?.count ?? 0
      const lastAt = (before?.resets_at ?? 0) - resend.windowMs
      const windowMs = resendDelayMs(count)
      if (before && lastAt <= now && now < lastAt + windowMs) {
        throw tooMany({ name: 'resend', most: 1, windowMs }, lastAt + windowMs, now)
      }
      tx.run(refuseSpent, { limits: [input.wrongCodes], now })
      tx.run(spend, { limits: input.limits, now })
      countSent.run({ key: resend.key, count: count + 1, resetsAt: now + resend.windowMs })
      replace.run({ phone, purpose, now })
      const expiresAt = now + CODE_LIFE_MS
      insert.run({ id, phone, purpose, codeHash, provenHash, now, expiresAt })
      const job = delivery.job({ challengeId: id, sealedCode: input.sealedCode })
      if (job) {
        const trace = input.trace === undefined ? {} : { trace: input.trace }
        queue.enqueue(tx, { ...job, ...trace, deadlineAt: expiresAt })
      }
      return { expiresAt, resendAt: now + resendDelayMs(count + 1) }
    }
  })
}

/** Tries a code against the open challenge of its number and purpose. */
export function createTryCode(codes: Codes): Command<Attempt, Verdict> {
  return command('auth.try-code', ({ orm }) => {
    const open = and(
      eq(otpChallenges.phone, placeholder('phone')),
      eq(otpChallenges.purpose, placeholder('purpose')),
      isNull(otpChallenges.endedAt),
      gt(otpChallenges.expiresAt, placeholder('now')),
      lt(otpChallenges.tries, CODE_TRIES),
    )
    // Counted before it is compared, in one statement: parallel guesses share the five tries.
    const count = orm
      .update(otpChallenges)
      .set({ tries: sql`${otpChallenges.tries} + 1` })
      .where(open)
      .returning()
      .prepare()
    const uncount = orm
      .update(otpChallenges)
      .set({ tries: sql`${otpChallenges.tries} - 1` })
      .where(eq(otpChallenges.id, placeholder('id')))
      .prepare()
    const byId = orm
      .select(accountColumns)
      .from(users)
      .where(eq(users.id, placeholder('id')))
      .prepare()
    return (tx, { phone, purpose, code, withPassword, limits, wrongCodes, origin, now }) => {
      tx.run(spend, { limits, now })
      tx.run(refuseSpent, { limits: [wrongCodes], now })
      const challenge = count.get({ phone, purpose, now })
      const binding = { purpose, phone, challengeId: challenge?.id ?? '' }
      const matches = codes.matches(binding, code, challenge?.codeHash ?? '')
      if (!challenge) return { is: 'wrong' }
      // Only once the code is right: a wrong one is as quickly told for a number nobody has.
      const account = matches ? byId.get({ id: challenge.userId ?? '' }) : undefined
      if (!matches || !account) {
        const wrong = tx.run(tally, { limit: wrongCodes, now })
        const { userId } = challenge
        const detail = { purpose, wrong }
        const event = { at: now, event: 'code.refused', userId, origin, detail }
        if (wrong % CODE_TRIES === 0) tx.run(audit, { ...event, actor: 'stranger' })
        return { is: 'wrong' }
      }
      const { id: challengeId, provenHash } = challenge
      const verified = account.verifiedAt !== null
      // What was proven when the code was asked for counts only for the password that is set now.
      const proven = !verified || account.passwordHash === provenHash
      if (verified && account.passwordHash !== null && !proven && !withPassword) {
        uncount.run({ id: challengeId })
        return { is: 'password-required' }
      }
      return { is: 'right', challengeId, provenHash, account: { ...account, verified } }
    }
  })
}

/** Uses a challenge up; false where somebody was faster or its time is over. */
export const useChallenge: Command<{ challengeId: string; now: number }, boolean> = command(
  'auth.use-challenge',
  ({ orm }) => {
    const use = orm
      .update(otpChallenges)
      .set({ endedAt: placeholder('now') as never })
      .where(
        and(
          eq(otpChallenges.id, placeholder('challengeId')),
          isNull(otpChallenges.endedAt),
          gt(otpChallenges.expiresAt, placeholder('now')),
        ),
      )
      .returning({ id: otpChallenges.id })
      .prepare()
    return (_tx, input) => use.get(input) !== undefined
  },
)
