import { and, eq, isNull, ne, sql } from 'drizzle-orm'
import { otpChallenges, sessions, users } from '#drizzle/schema.ts'
import { type Connection, type SyncTx, syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { lazy } from '#src/lib/lazy.ts'
import { audit } from '#src/modules/audit/audit.ts'
import {
  forgive,
  refuseSpent,
  remember,
  spend,
  takeBack,
  tally,
} from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import { userTopic } from '#src/plugins/topics.ts'
import type { Queue } from '#src/queue/queue.ts'
import { accountColumns } from './account-columns.ts'
import { createOpenChallenge, type Delivery, useChallenge } from './challenges.sqlite.ts'
import type { Codes } from './codes.ts'
import { endOldest, forgetTokens, openSession } from './open-session.sqlite.ts'
import type {
  Account,
  AccountStore,
  LogIn,
  PasswordChange,
  PasswordReset,
  SignUp,
  Whence,
} from './store.ts'
import { auditRefusal, createTryCode, giveBackTry, noteProof } from './try-code.sqlite.ts'

const { placeholder } = sql

export function createAccountStore(
  database: Database,
  { queue, codes, delivery }: { queue: Queue; codes: Codes; delivery: Delivery },
): AccountStore {
  const byPhone = lazy(() =>
    database.orm
      .select(accountColumns)
      .from(users)
      .where(eq(users.phone, placeholder('phone')))
      .prepare(),
  )
  const byId = lazy(() => selectAccount(database))
  const openChallenge = createOpenChallenge(queue, delivery)
  const tryCode = createTryCode(codes)
  return {
    admit: (input) => database.execute(spend, input),
    guessPassword: (input) => database.execute(guessPassword, input),
    takeBackGuess: (limit) => database.execute(takeBack, limit),
    signUp: (input) => database.execute(signUp, input),
    byPhone: async (phone) => toAccount(byPhone().get({ phone })),
    byId: async (id) => toAccount(byId().get({ id })),
    noteWrongPassword: (input) => database.execute(noteWrongPassword, input),
    openChallenge: (input) => database.execute(openChallenge, input),
    tryCode: (input) => database.execute(tryCode, input),
    giveBackTry: (challengeId) => database.execute(giveBackTry, challengeId),
    noteProof: (input) => database.execute(noteProof, input),
    logIn: (input) => database.execute(logIn, input),
    resetPassword: (input) => database.execute(resetPassword, input),
    changePassword: (input) => database.execute(changePassword, input),
    useChallenge: (input) => database.execute(useChallenge, input),
  }
}

const guessPassword = syncCommand(
  'auth.guess-password',
  () =>
    (tx, { wrong, limits, now }: { wrong: Limit; limits: readonly Limit[]; now: number }) => {
      tx.run(refuseSpent, { limits: [wrong], now })
      tx.run(spend, { limits, now })
      return tx.run(tally, { limit: wrong, now })
    },
)

const signUp = syncCommand('auth.sign-up', ({ sqlite }) => {
  // A number whose account was deleted today keeps its digest, though the key has changed since, and so its quota.
  // What nobody has proven yet is the latest sign-up's; a verified account is written as it is, so that the
  // time of the answer does not tell whether there is one.
  const upsert = sqlite.query<
    { id: string; verifiedAt: number | null },
    [Record<string, string | number | null>]
  >(`
    INSERT INTO users (id, phone, number_digest, name, password_hash, created_at, updated_at)
    VALUES ($id, $phone, coalesce((SELECT number_digest FROM quota_usage WHERE number_digest = $previous LIMIT 1), $numberDigest), $name, $passwordHash, $now, $now)
    ON CONFLICT (phone) DO UPDATE SET
      name = CASE WHEN verified_at IS NULL THEN $name ELSE name END,
      password_hash = CASE WHEN verified_at IS NULL THEN $passwordHash ELSE password_hash END,
      updated_at = CASE WHEN verified_at IS NULL THEN $now ELSE updated_at END
    RETURNING id, verified_at AS verifiedAt`)
  return (tx, { origin, numberDigests, ...account }: SignUp): void => {
    const [numberDigest, previous = numberDigest] = numberDigests
    const row = upsert.get({ ...account, numberDigest, previous })
    const isTaken = row?.verifiedAt !== null
    const event = isTaken ? 'account.sign-up-of-taken-number' : 'account.signed-up'
    tx.run(audit, {
      at: account.now,
      event,
      userId: isTaken ? null : row.id,
      actor: 'stranger',
      origin,
    })
  }
})

const noteWrongPassword = syncCommand(
  'auth.wrong-password',
  () =>
    (tx, input: { userId: string | null; wrong: number; origin: Whence; now: number }): void => {
      tx.run(auditRefusal, { event: 'password.refused', ...input })
    },
)

const logIn = syncCommand('auth.log-in', (connection) => {
  const account = selectAccount(connection)
  const admitUser = connection.sqlite.query<unknown, [Record<string, string | number | null>]>(`
    UPDATE users SET verified_at = coalesce(verified_at, $now), password_hash = $passwordHash, updated_at = $now
    WHERE id = $userId AND (verified_at IS NULL OR password_hash IS NOT $passwordHash)`)
  return (tx, input: LogIn): boolean => {
    const { challengeId, userId, session, mostSessions, resend, home, origin, now, ...proof } =
      input
    const user = account.get({ id: userId })
    const verified = user?.verifiedAt !== null
    // Another password since it was proven: the proof is worth nothing.
    if (!user || (verified && user.passwordHash !== proof.provenHash)) return false
    if (!tx.run(useChallenge, { challengeId, now })) return false
    admitUser.run({ userId, now, passwordHash: proof.renewedHash ?? proof.provenHash })
    tx.run(openSession, { ...session, userId, now })
    tx.run(endOldest, { userId, most: mostSessions, origin, now })
    tx.run(forgive, resend)
    tx.run(remember, { limit: home, now })
    const event = { at: now, userId, actor: 'user', origin } as const
    if (!verified) tx.run(audit, { ...event, event: 'account.verified' })
    tx.run(audit, { ...event, event: 'login.succeeded', detail: { session: session.id } })
    return true
  }
})

const resetPassword = syncCommand('auth.reset-password', (connection) => {
  const set = connection.sqlite.query<unknown, [Record<string, string | number>]>(`
    UPDATE users SET password_hash = $passwordHash, verified_at = coalesce(verified_at, $now), updated_at = $now
    WHERE id = $userId`)
  const endAll = createEndSessions(connection)
  const endCodes = createEndCodes(connection)
  return (tx, input: PasswordReset): boolean => {
    const { challengeId, userId, passwordHash, resend, home, wrongPasswords, origin, now } = input
    if (!tx.run(useChallenge, { challengeId, now })) return false
    set.run({ userId, passwordHash, now })
    endAll(tx, { userId, keepId: '', now })
    endCodes({ userId, now })
    for (const limit of [resend, ...wrongPasswords]) tx.run(forgive, limit)
    tx.run(remember, { limit: home, now })
    tx.run(audit, { at: now, event: 'password.reset', userId, actor: 'user', origin })
    return true
  }
})

const changePassword = syncCommand('auth.change-password', (connection) => {
  const set = connection.sqlite.query<unknown, [Record<string, string | number | null>]>(`
    UPDATE users SET password_hash = $to, updated_at = $now
    WHERE id = $userId AND password_hash IS $from`)
  const endOthers = createEndSessions(connection)
  const endCodes = createEndCodes(connection)
  return (tx, input: PasswordChange): boolean => {
    const { userId, from, to, challengeId, keepSessionId, wrongPasswords, origin, now } = input
    if (challengeId !== undefined && !tx.run(useChallenge, { challengeId, now })) return false
    if (set.run({ userId, from, to, now }).changes === 0) return false
    endOthers(tx, { userId, keepId: keepSessionId, now })
    endCodes({ userId, now })
    for (const limit of wrongPasswords) tx.run(forgive, limit)
    tx.run(audit, { at: now, event: 'password.changed', userId, actor: 'user', origin })
    return true
  }
})

function selectAccount({ orm }: Connection) {
  return orm
    .select(accountColumns)
    .from(users)
    .where(eq(users.id, placeholder('id')))
    .prepare()
}

function createEndSessions({ orm }: Connection) {
  return (tx: SyncTx, { userId, keepId, now }: { userId: string; keepId: string; now: number }) => {
    const ended = orm
      .update(sessions)
      .set({ endedAt: now })
      .where(and(eq(sessions.userId, userId), ne(sessions.id, keepId), isNull(sessions.endedAt)))
      .returning({ id: sessions.id })
      .all()
    for (const { id } of ended) tx.run(forgetTokens, id)
    tx.notify(userTopic(userId), 'session')
  }
}

/** Whatever was asked for before the password changed is over. */
function createEndCodes({ orm }: Connection) {
  return ({ userId, now }: { userId: string; now: number }) =>
    orm
      .update(otpChallenges)
      .set({ endedAt: now })
      .where(and(eq(otpChallenges.userId, userId), isNull(otpChallenges.endedAt)))
      .run()
}

function toAccount(
  row: (Omit<Account, 'verified'> & { verifiedAt: number | null }) | undefined,
): Account | undefined {
  if (!row) return undefined
  const { verifiedAt, ...account } = row
  return { ...account, verified: verifiedAt !== null }
}
