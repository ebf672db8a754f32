import { sql } from 'drizzle-orm'
import {
  chatrooms,
  erasures,
  jobs,
  messages,
  otpChallenges,
  refreshTokens,
  sessions,
  users,
} from '#drizzle/schema.ts'
import { isActive, numberDigest } from '#src/database/active-user.ts'
import { columns, insertInto, statement, update } from '#src/database/statement.ts'

/** By the primary key. */
export const findUser = statement<
  { userId: string },
  {
    id: string
    phone: string
    name: string | null
    hasPassword: number
    numberDigest: string
    createdAt: number
  }
>(
  (p) =>
    sql`SELECT ${columns({
      id: users.id,
      phone: users.phone,
      name: users.name,
      hasPassword: sql`${users.passwordHash} IS NOT NULL`,
      numberDigest,
      createdAt: users.createdAt,
    })} FROM ${users} WHERE ${users.id} = ${p.userId}`,
)

/** By the primary key. */
export const renameUser = statement<{ userId: string; name: string | null; now: number }>(
  (p) => sql`${update(users, { name: p.name, updatedAt: p.now })} WHERE ${users.id} = ${p.userId}`,
)

/** By the primary key. */
export const findActiveUser = statement<{ userId: string }, { id: string }>(
  (p) =>
    sql`SELECT ${users.id} AS id FROM ${users} WHERE ${users.id} = ${p.userId} AND ${isActive}`,
)

/** By chatrooms_of_user and messages_in_order: replies that are not final and whose jobs were not told to stop. */
export const findPendingReplies = statement<
  { userId: string; limit: number },
  { replyId: string; jobId: number }
>(
  (p) => sql`SELECT ${messages.id} AS "replyId", ${jobs.id} AS "jobId" FROM ${chatrooms}
    JOIN ${messages} ON ${messages.chatroomId} = ${chatrooms.id}
      AND ${messages.position} >= ${chatrooms.pendingFrom} AND ${messages.completedAt} IS NULL
    JOIN ${jobs} ON ${jobs.id} = ${messages.jobId} AND ${jobs.stopRequestedAt} IS NULL
    WHERE ${chatrooms.userId} = ${p.userId} LIMIT ${p.limit}`,
)

/** By users_unverified. */
export const removeUnverified = statement<{ createdBefore: number }>(
  (p) => sql`DELETE FROM ${users}
    WHERE ${users.verifiedAt} IS NULL AND ${users.createdAt} < ${p.createdBefore}`,
)

/** By chatrooms_of_user. */
export const findAnyRoom = statement<{ userId: string }, { id: string }>(
  (p) => sql`SELECT ${chatrooms.id} AS id FROM ${chatrooms}
    WHERE ${chatrooms.userId} = ${p.userId} LIMIT 1`,
)

/** By messages_in_order, from the end: no prompt goes without the replies that a cascade would delete with it. */
export const findLastMessages = statement<{ roomId: string; limit: number }, { key: number }>(
  (p) => sql`SELECT ${messages.key} AS "key" FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} ORDER BY ${messages.position} DESC LIMIT ${p.limit}`,
)

/** By the primary key. */
export const removeMessage = statement<{ key: number }>(
  (p) => sql`DELETE FROM ${messages} WHERE ${messages.key} = ${p.key}`,
)

/** By the primary key. */
export const removeRoom = statement<{ roomId: string }>(
  (p) => sql`DELETE FROM ${chatrooms} WHERE ${chatrooms.id} = ${p.roomId}`,
)

/** By sessions_of_user and refresh_tokens_of_session. */
export const removeTokens = statement<{ userId: string; limit: number }>(
  (p) => sql`DELETE FROM ${refreshTokens} WHERE ${refreshTokens.hash} IN (
    SELECT ${refreshTokens.hash} FROM ${sessions}
    JOIN ${refreshTokens} ON ${refreshTokens.sessionId} = ${sessions.id}
    WHERE ${sessions.userId} = ${p.userId} LIMIT ${p.limit})`,
)

/** By the primary key; all that is left of the user goes with it. */
export const removeUser = statement<{ userId: string }>(
  (p) => sql`DELETE FROM ${users} WHERE ${users.id} = ${p.userId}`,
)

/** By sessions_of_user. They are not deleted here: a session can have used thousands of refresh tokens. */
export const endSessionsForGood = statement<{ userId: string; now: number }>(
  (p) => sql`${update(sessions, { endedAt: p.now, ip: null, device: null })}
    WHERE ${sessions.userId} = ${p.userId}`,
)

/** By otp_by_user. */
export const removeCodes = statement<{ userId: string }>(
  (p) => sql`DELETE FROM ${otpChallenges} WHERE ${otpChallenges.userId} = ${p.userId}`,
)

/** By the primary key: leaves nothing that tells who the user was. */
export const eraseIdentity = statement<{ userId: string; now: number }>(
  (p) =>
    sql`${update(users, {
      phone: null,
      numberDigest: null,
      name: null,
      passwordHash: null,
      tierOverride: null,
      updatedAt: p.now,
    })} WHERE ${users.id} = ${p.userId}`,
)

/** By the primary key: the room has no owner from here on. */
export const disownRoom = statement<{ roomId: string }>(
  (p) => sql`${update(chatrooms, { userId: null })} WHERE ${chatrooms.id} = ${p.roomId}`,
)

export const insertErasure = statement<{ id: string; kind: string; now: number }>((p) =>
  insertInto(erasures, { id: p.id, kind: p.kind, requestedAt: p.now }),
)

/** By the primary key. */
export const removeErasure = statement<{ id: string }>(
  (p) => sql`DELETE FROM ${erasures} WHERE ${erasures.id} = ${p.id}`,
)

/** All of them: an hour's run looks at what is left, which is rarely anything. */
export const findErasures = statement<Record<never, never>, { id: string; kind: 'user' | 'room' }>(
  () => sql`SELECT ${columns({ id: erasures.id, kind: erasures.kind })} FROM ${erasures}`,
)

/** A user as an operator sees one. */
export type OperatorView = {
  id: string
  phone: string
  name: string | null
  tierOverride: 'basic' | 'pro' | null
  verifiedAt: number | null
  createdAt: number
  livingSessions: number
  numberDigest: string
}

const VIEW = columns({
  id: users.id,
  phone: users.phone,
  name: users.name,
  tierOverride: users.tierOverride,
  verifiedAt: users.verifiedAt,
  createdAt: users.createdAt,
  numberDigest,
  // By sessions_of_user.
  livingSessions: sql`(SELECT count(*) FROM ${sessions}
    WHERE ${sessions.userId} = ${users.id} AND ${sessions.endedAt} IS NULL)`,
})

/** By the primary key, and by the unique index of phones. */
export const findView = statement<{ key: string }, OperatorView>(
  (p) =>
    sql`SELECT ${VIEW} FROM ${users}
      WHERE (${users.id} = ${p.key} OR ${users.phone} = ${p.key}) AND ${isActive}`,
)

/** By the primary key: ids are UUIDv7, so their order is the order of signing up. */
export const listViews = statement<{ limit: number }, OperatorView>(
  (p) => sql`SELECT ${VIEW} FROM ${users} ORDER BY ${users.id} DESC LIMIT ${p.limit}`,
)

/** By the primary key. */
export const setTierOverride = statement<{
  userId: string
  tier: OperatorView['tierOverride']
  now: number
}>(
  (p) =>
    sql`${update(users, { tierOverride: p.tier, updatedAt: p.now })} WHERE ${users.id} = ${p.userId}`,
)

/** By sessions_of_user. */
export const endSessions = statement<{ userId: string; now: number }>(
  (p) => sql`${update(sessions, { endedAt: p.now })}
    WHERE ${sessions.userId} = ${p.userId} AND ${sessions.endedAt} IS NULL`,
)
