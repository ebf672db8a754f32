import type { Database as Sqlite } from 'bun:sqlite'
import { type Invariant, invariant, type PromptRow, type ReplyRow } from './invariant.ts'

/** A cancelled prompt is refunded only if no worker had begun with it. */
export function quota(sqlite: Sqlite, prompts: PromptRow[], replies: ReplyRow[]): Invariant {
  const users = sqlite
    .query<{ id: string; used: number }, []>(
      `SELECT id, coalesce((SELECT sum(used) FROM (
           SELECT number_digest, used FROM quota_usage UNION ALL SELECT number_digest, used FROM number_usage
         ) WHERE number_digest = coalesce(users.number_digest, users.id)), 0) AS used FROM users`,
    )
    .all()
  return invariant('quota used is accepted minus refunded', users, ({ id, used }) => {
    const paid = prompts.filter(({ userId }) => userId === id).length
    const back = replies.filter(
      ({ userId, status, claims, unusedClaims }) =>
        userId === id &&
        (status === 'failed' || (status === 'cancelled' && claims === unusedClaims)),
    ).length
    return used !== paid - back && `user ${id}: used ${used}, accepted ${paid}, refunded ${back}`
  })
}

export function usage(sqlite: Sqlite): Invariant {
  const users = sqlite
    .query<{ id: string; pending: number; counted: number; stored: number }, []>(
      `SELECT users.id, pending, number_usage.stored_bytes AS counted,
         (SELECT coalesce(sum(octet_length(title) + coalesce(octet_length(system_prompt), 0)), 0)
          FROM chatrooms WHERE user_id = users.id) +
         (SELECT coalesce(sum(octet_length(content)), 0)
          FROM messages JOIN chatrooms ON chatrooms.id = chatroom_id WHERE user_id = users.id) AS stored
       FROM users JOIN number_usage ON number_usage.number_digest = coalesce(users.number_digest, users.id)`,
    )
    .all()
  return invariant('nothing is pending and the stored text is counted', users, (user) => {
    const { id, pending, counted, stored } = user
    if (pending !== 0) return `user ${id}: ${pending} prompts are said to wait`
    return counted !== stored && `user ${id}: ${counted} bytes are counted, ${stored} are stored`
  })
}
