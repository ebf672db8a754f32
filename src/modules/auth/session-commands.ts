import { command, query, type Steps, type Tx } from '#src/database/steps.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { spend } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { ClientInfo } from '#src/plugins/origin.ts'
import { userTopic } from '#src/plugins/topics.ts'
import {
  countTokens,
  endSession as endOne,
  endSessionsBeyond,
  endSessionsBut,
  findRefreshToken,
  findUnusedToken,
  insertSession,
  insertToken,
  listSessions,
  removeOldestTokens,
  removeTokensOfSession,
  retireToken,
  useSession,
} from './session-statements.ts'

/** Of one session: a month of exchanges every fifteen minutes. A client that exchanges faster cannot fill the disk. */
const TOKENS_KEPT = 3_000
const TOKENS_REMOVED = 300

/** The session a login opens. */
export interface SessionToOpen {
  id: string
  refreshHash: string
  device: string | null
  ip: string | null
  expiresAt: number
}

interface Opening {
  userId: string
  session: SessionToOpen
  /** Sessions that the user may have at a time; with one more the oldest ends. */
  most: number
  origin: ClientInfo
  now: number
}

/** Opens a session, and ends the oldest of the user so that one account cannot fill the database with them. */
export function* openSession(tx: Tx, input: Opening): Steps<void> {
  const { userId, session, most, origin, now } = input
  const { id: sessionId, refreshHash: hash, device, ip, expiresAt } = session
  yield* tx.run(insertSession, { sessionId, userId, device, ip, now, expiresAt })
  yield* tx.run(insertToken, { hash, sessionId, now })
  const ended = yield* tx.all(endSessionsBeyond, { userId, most, now })
  for (const { id } of ended) {
    yield* tx.run(removeTokensOfSession, { sessionId: id })
    yield* audit.steps(tx, {
      at: now,
      event: 'session.ended',
      userId,
      actor: 'system',
      origin,
      detail: { session: id, cause: 'too many' },
    })
  }
  if (ended.length > 0) tx.notify(userTopic(userId), 'session')
}

export interface Rotation {
  hash: string
  /** Digests of what follows this token, by each key that may have made it; the first is the one to make. */
  successors: readonly string[]
  ttlMs: number
  longestMs: number
  graceMs: number
  limits: readonly Limit[]
  origin: ClientInfo
  now: number
}

export type Rotated =
  | { is: 'refused' }
  | { is: 'rotated'; userId: string; sessionId: string; expiresAt: number; successor: string }

/**
 * Rotates a refresh token (RFC 9700, 4.14.2). The token rotated last gives the same successor again for a moment, as
 * its answer may have been lost; an older one is somebody else's copy, and ends the session. @throws Problem 429
 */
export const rotate = command('auth.rotate', function* (tx, input: Rotation): Steps<Rotated> {
  const { hash, successors, limits, origin, now } = input
  yield* spend.steps(tx, { limits, now })
  const token = yield* tx.first(findRefreshToken, { hash, now })
  const [successor] = successors
  if (!token || successor === undefined) return { is: 'refused' }
  const { sessionId, userId, rotatedAt } = token
  if (rotatedAt === null) {
    const expiresAt = Math.min(now + input.ttlMs, token.startedAt + input.longestMs)
    yield* tx.run(retireToken, { hash, now })
    yield* tx.run(insertToken, { hash: successor, sessionId, now })
    const held = yield* tx.first(countTokens, { sessionId })
    if (held && held.count > TOKENS_KEPT) {
      yield* tx.run(removeOldestTokens, { sessionId, limit: TOKENS_REMOVED })
    }
    yield* tx.run(useSession, { sessionId, now, expiresAt, ip: origin.ip })
    return { is: 'rotated', userId, sessionId, expiresAt, successor }
  }
  if (now - rotatedAt <= input.graceMs) {
    for (const one of successors) {
      if (!(yield* tx.first(findUnusedToken, { hash: one }))) continue
      return { is: 'rotated', userId, sessionId, expiresAt: token.expiresAt, successor: one }
    }
  }
  yield* tx.all(endOne, { sessionId, userId, now })
  yield* tx.run(removeTokensOfSession, { sessionId })
  tx.notify(userTopic(userId), 'session')
  const detail = { session: sessionId }
  const event = { at: now, event: 'refresh.reused', userId, origin, detail }
  yield* audit.steps(tx, { ...event, actor: 'stranger' })
  return { is: 'refused' }
})

interface SessionsAsked {
  userId: string
  limit: number
  after: { createdAt: number; id: string } | undefined
  now: number
}

/** Newest first, from behind `after`. */
export const getSessions = query(
  'auth.sessions',
  function* (tx, { after, ...asked }: SessionsAsked) {
    const from = after ?? { createdAt: Number.MAX_SAFE_INTEGER, id: '' }
    return yield* tx.all(listSessions, { ...asked, ...from })
  },
)

interface SessionToEnd {
  userId: string
  sessionId: string
  origin: ClientInfo
  now: number
}

/** False where it is no open session of this user. */
export const endSession = command('auth.end-session', function* (tx, input: SessionToEnd) {
  const { userId, sessionId, origin, now } = input
  if (!(yield* tx.first(endOne, { userId, sessionId, now }))) return false
  yield* tx.run(removeTokensOfSession, { sessionId })
  tx.notify(userTopic(userId), 'session')
  const detail = { session: sessionId }
  yield* audit.steps(tx, {
    at: now,
    event: 'session.ended',
    userId,
    actor: 'user',
    origin,
    detail,
  })
  return true
})

interface SessionsToEnd {
  userId: string
  /** The session that stays; none for an empty string. */
  keepId: string
  now: number
}

/** Gives how many sessions ended. */
export const endOtherSessions = command(
  'auth.end-other-sessions',
  function* (tx, { origin, ...input }: SessionsToEnd & { origin: ClientInfo }) {
    const { userId, now } = input
    const count = yield* endAllBut(tx, input)
    // A client must not be able to fill the log with calls that end nothing.
    if (count === 0) return 0
    const event = { at: now, event: 'sessions.ended', userId, origin } as const
    yield* audit.steps(tx, { ...event, actor: 'user', detail: { sessions: count } })
    return count
  },
)

/** Ends the sessions of a user with their refresh tokens, none of which can be exchanged any more. */
export function* endAllBut(tx: Tx, input: SessionsToEnd): Steps<number> {
  const ended = yield* tx.all(endSessionsBut, input)
  for (const { id } of ended) yield* tx.run(removeTokensOfSession, { sessionId: id })
  if (ended.length > 0) tx.notify(userTopic(input.userId), 'session')
  return ended.length
}
