import { type Command, syncCommand } from '#src/database/command.ts'
import { audit } from '#src/modules/audit/audit.ts'
import type { Origin } from '#src/plugins/origin.ts'
import { IS_SOMEBODY } from '#src/plugins/somebody.ts'
import { REPLY_ENDED, userTopic } from '#src/plugins/topics.ts'
import type { Queue } from '#src/queue/queue.ts'
import { enqueueErase, eraseSome, hide } from './erase.sqlite.ts'
import type { OnDeleted } from './store.ts'

export interface Removal {
  userId: string
  /** Whence the user asked; undefined where an operator does it. */
  origin: Pick<Origin, 'ip' | 'requestId'> | undefined
  now: number
}

/** Replies that one commit cancels, of the fifty that may wait. */
const CANCELLED_AT_ONCE = 20

/**
 * Erases a user: at once, or where they wrote much, all that tells who they are at once and the rest by a job.
 * Sessions, codes, rooms, messages, quota and idempotency keys go with the row; Stripe's ids
 * and amounts stay, without the person; the audit log keeps the id, which then means nobody. Gives undefined where it only
 * cancelled some of many waiting replies and has to be run again.
 */
export function createRemove(
  queue: Queue,
  onDeleted: readonly OnDeleted[],
): Command<Removal, boolean | undefined> {
  return syncCommand('users.remove', ({ sqlite }) => {
    const exists = sqlite.query<unknown, [string]>(
      `SELECT 1 FROM users WHERE id = ?1 AND ${IS_SOMEBODY}`,
    )
    // Uses chatrooms_of_user and messages_in_order.
    const pending = sqlite.query<{ replyId: string; jobId: number }, [string]>(`
      SELECT m.id AS replyId, m.job_id AS jobId FROM chatrooms c
      JOIN messages m ON m.chatroom_id = c.id AND m.position >= c.pending_from AND m.completed_at IS NULL
      JOIN jobs j ON j.id = m.job_id AND j.stop_requested_at IS NULL
      WHERE c.user_id = ?1 LIMIT ${CANCELLED_AT_ONCE + 1}`)
    return (tx, { userId, origin, now }) => {
      if (!exists.get(userId)) return false
      // Waiting replies end here; a running one is told to stop and may find no row to write to, nor to tell of its end.
      const found = pending.all(userId)
      for (const { replyId, jobId } of found.slice(0, CANCELLED_AT_ONCE)) {
        queue.cancel(tx, jobId)
        tx.notify(REPLY_ENDED, replyId)
      }
      if (found.length > CANCELLED_AT_ONCE) return undefined
      // Ends the streams.
      tx.notify(userTopic(userId), 'session')
      for (const tell of onDeleted) tell(tx, userId)
      const actor = origin ? 'user' : 'operator'
      tx.run(audit, { at: now, event: 'account.deleted', userId, actor, origin })
      if (tx.run(eraseSome, { userId })) return true
      tx.run(hide, { userId, now })
      enqueueErase(queue, tx, userId)
      return true
    }
  })
}

/** Uses users_unverified. A number that nobody proved is not kept. */
export const pruneUnverified: Command<{ createdBefore: number }, number> = syncCommand(
  'users.prune-unverified',
  ({ sqlite }) => {
    const remove = sqlite.query<unknown, [number]>(
      'DELETE FROM users WHERE verified_at IS NULL AND created_at < ?1',
    )
    return (_tx, { createdBefore }) => remove.run(createdBefore).changes
  },
)
