import { type Command, command, query } from '#src/database/steps.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { spend } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { ClientInfo } from '#src/plugins/origin.ts'
import { REPLY_ENDED, userTopic } from '#src/plugins/topics.ts'
import type { Queue } from '#src/queue/queue.ts'
import { eraseLater, eraseSome } from './erasure.ts'
import {
  findActiveUser,
  findPendingReplies,
  findUser,
  removeUnverified,
  renameUser,
} from './statements.ts'

/** Replies that one commit cancels, of the fifty that may wait. */
const CANCELLED_AT_ONCE = 20

export const getUser = query('users.get', function* (tx, asked: { userId: string }) {
  const row = yield* tx.first(findUser, asked)
  return row && { ...row, hasPassword: row.hasPassword === 1 }
})

export const rename = command(
  'users.rename',
  function* (tx, input: { userId: string; name: string | null; now: number }) {
    yield* tx.run(renameUser, input)
  },
)

interface ExportToStart {
  userId: string
  limit: Limit
  origin: ClientInfo
  now: number
}

/** Counts an export and writes it into the audit log. @throws Problem 429 */
export const startExport = command(
  'users.start-export',
  function* (tx, { userId, limit, origin, now }: ExportToStart) {
    yield* spend.steps(tx, { limits: [limit], now })
    yield* audit.steps(tx, { at: now, event: 'account.exported', userId, actor: 'user', origin })
  },
)

export interface RemovalOfUser {
  userId: string
  /** Where the user's request came from; undefined where an operator removes the user. */
  origin: ClientInfo | undefined
  now: number
}

/** What another module does in the transaction that removes a user, before the row goes. */
export type OnRemoved = Command<{ userId: string; now: number }, void>

/**
 * Erases a user; false where there is none. An account that is too large for one commit can no longer be used or found
 * at once, and a job erases the rest. Sessions, codes, rooms, messages, quota and idempotency keys are erased; the ids
 * and amounts of Stripe stay without the person, and the audit log keeps the id. Undefined where the command cancelled
 * some of many waiting replies and has to be run again.
 */
export function createRemove(queue: Queue, onRemoved: readonly OnRemoved[]) {
  return command('users.remove', function* (tx, { userId, origin, now }: RemovalOfUser) {
    if (!(yield* tx.first(findActiveUser, { userId }))) return false
    // Waiting replies end here. A running one is asked to stop; it may find no row to write to when it does.
    const limit = CANCELLED_AT_ONCE + 1
    const pending = yield* tx.all(findPendingReplies, { userId, limit })
    for (const { replyId, jobId } of pending.slice(0, CANCELLED_AT_ONCE)) {
      yield* queue.cancel(tx, jobId)
      tx.notify(REPLY_ENDED, replyId)
    }
    if (pending.length > CANCELLED_AT_ONCE) return undefined
    // Ends the streams.
    tx.notify(userTopic(userId), 'session')
    for (const one of onRemoved) yield* one.steps(tx, { userId, now })
    const actor = origin ? 'user' : 'operator'
    yield* audit.steps(tx, { at: now, event: 'account.deleted', userId, actor, origin })
    if (!(yield* eraseSome.steps(tx, { id: userId, kind: 'user' })))
      yield* eraseLater(tx, { userId, now })
    return true
  })
}

/** Deletes accounts whose number was not proven; gives how many. */
export const pruneUnverified = command(
  'users.prune-unverified',
  function* (tx, input: { createdBefore: number }) {
    return yield* tx.run(removeUnverified, input)
  },
)
