import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { otpChallenges as table, users } from '#drizzle/schema.ts'
import { columns, insertInto, statement, update } from '#src/database/statement.ts'
import type { Purpose } from './codes.ts'

/** The user is found within the statement, so that nothing takes longer for a number that has an account. */
export const insertChallenge = statement<
  {
    id: string
    phone: string
    purpose: Purpose
    requester: string
    isHome: number
    codeHash: string
    triesAllowed: number
    now: number
    expiresAt: number
  },
  { userId: string | null }
>(
  (p) =>
    sql`${insertInto(table, {
      id: p.id,
      phone: p.phone,
      purpose: p.purpose,
      userId: sql`(SELECT ${users.id} FROM ${users} WHERE ${users.phone} = ${p.phone})`,
      requester: p.requester,
      isHome: p.isHome,
      codeHash: p.codeHash,
      triesAllowed: p.triesAllowed,
      createdAt: p.now,
      expiresAt: p.expiresAt,
    })} RETURNING user_id AS "userId"`,
)

/** By otp_one_open_challenge. A challenge that another network asked for stays open: nobody can end the owner's. */
export const endChallengeOfRequester = statement<{
  phone: string
  purpose: Purpose
  requester: string
  now: number
}>(
  (p) => sql`${update(table, { endedAt: p.now })}
    WHERE ${table.phone} = ${p.phone} AND ${table.purpose} = ${p.purpose}
      AND ${table.requester} = ${p.requester} AND ${table.endedAt} IS NULL`,
)

/** By the primary key. */
export const endChallenge = statement<
  { id: string; now: number },
  { phone: string; purpose: Purpose }
>(
  (p) => sql`${update(table, { endedAt: p.now })}
    WHERE ${table.id} = ${p.id} AND ${table.endedAt} IS NULL AND ${table.expiresAt} > ${p.now}
    RETURNING phone, purpose`,
)

/** By otp_one_open_challenge. */
export const endChallengesOfNumber = statement<{ phone: string; purpose: Purpose; now: number }>(
  (p) => sql`${update(table, { endedAt: p.now })}
    WHERE ${table.phone} = ${p.phone} AND ${table.purpose} = ${p.purpose} AND ${table.endedAt} IS NULL`,
)

/** By otp_by_user. */
export const endChallengesOfUser = statement<{ userId: string; now: number }>(
  (p) => sql`${update(table, { endedAt: p.now })}
    WHERE ${table.userId} = ${p.userId} AND ${table.endedAt} IS NULL`,
)

/** By otp_one_open_challenge: the tries that are reserved for the open challenges of a number. */
export const sumReservedTries = statement<
  { phone: string; isHome: number; now: number },
  { tries: number; firstEndsAt: number | null }
>(
  (p) => sql`SELECT coalesce(sum(${table.triesAllowed} - ${table.tries}), 0) AS tries,
      min(${table.expiresAt}) AS "firstEndsAt" FROM ${table}
    WHERE ${table.phone} = ${p.phone} AND ${table.isHome} = ${p.isHome}
      AND ${table.endedAt} IS NULL AND ${table.expiresAt} > ${p.now}`,
)

type Open = { phone: string; purpose: Purpose; now: number }

/** An open challenge that has tries left. */
export type ChallengeRow = {
  id: string
  requester: string
  isHome: number
  userId: string | null
  codeHash: string
  provenHash: string | null
  passwordRefused: number
}

const CHALLENGE = columns({
  id: table.id,
  requester: table.requester,
  isHome: table.isHome,
  userId: table.userId,
  codeHash: table.codeHash,
  provenHash: table.provenHash,
  passwordRefused: table.passwordRefused,
})

function openChallenge(p: Record<keyof Open, SQLWrapper>): SQL {
  return sql`${table.phone} = ${p.phone} AND ${table.purpose} = ${p.purpose} AND ${table.endedAt} IS NULL
    AND ${table.expiresAt} > ${p.now} AND ${table.tries} < ${table.triesAllowed}`
}

/** By the primary key. */
export const findChallenge = statement<Open & { id: string }, ChallengeRow>(
  (p) => sql`SELECT ${CHALLENGE} FROM ${table} WHERE ${table.id} = ${p.id} AND ${openChallenge(p)}`,
)

/** By otp_one_open_challenge. */
export const findChallengeOfRequester = statement<Open & { requester: string }, ChallengeRow>(
  (p) => sql`SELECT ${CHALLENGE} FROM ${table}
    WHERE ${table.requester} = ${p.requester} AND ${openChallenge(p)}`,
)

/** By otp_one_open_challenge: the newest of another requester, who has made few stray tries. */
export const findChallengeOfOthers = statement<
  Open & { requester: string; strayTries: number },
  ChallengeRow
>(
  (p) => sql`SELECT ${CHALLENGE} FROM ${table}
    WHERE ${table.requester} <> ${p.requester} AND ${table.strayTries} < ${p.strayTries}
      AND ${openChallenge(p)}
    ORDER BY ${table.createdAt} DESC LIMIT 1`,
)

/** By the primary key. */
export const countTry = statement<{ id: string; stray: number }>(
  (p) =>
    sql`${update(table, {
      tries: sql`${table.tries} + 1`,
      strayTries: sql`${table.strayTries} + ${p.stray}`,
    })} WHERE ${table.id} = ${p.id}`,
)

/** By the primary key. */
export const takeTryBack = statement<{ id: string }>(
  (p) => sql`${update(table, { tries: sql`${table.tries} - 1` })}
    WHERE ${table.id} = ${p.id} AND ${table.tries} > 0`,
)

/** By the primary key: the client has been shown that its password is wrong. */
export const clearRefusal = statement<{ id: string }>(
  (p) => sql`${update(table, { passwordRefused: 0 })} WHERE ${table.id} = ${p.id}`,
)

/** By the primary key. */
export const setProof = statement<{ id: string; provenHash: string | null; isRefused: number }>(
  (p) => sql`${update(table, { provenHash: p.provenHash, passwordRefused: p.isRefused })}
    WHERE ${table.id} = ${p.id}`,
)

/** By otp_expiring. */
export const removeOldChallenges = statement<{ expiredBefore: number; limit: number }>(
  (p) => sql`DELETE FROM ${table} WHERE ${table.id} IN
    (SELECT ${table.id} FROM ${table} WHERE ${table.expiresAt} < ${p.expiredBefore} LIMIT ${p.limit})`,
)
