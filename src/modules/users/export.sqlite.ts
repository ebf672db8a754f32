import type { Database as Sqlite } from 'bun:sqlite'
import type { Entry } from './store.ts'

/** Few, as a message may have 32 000 characters: what an export holds in memory is bounded by this. */
const PAGE = 50

type Row = Record<string, string | number | null>

interface Part {
  type: string
  /** Rows behind `$after` in the order of `key`, of the user `$userId`. */
  sql: string
  /** Which column the next page starts behind. */
  key: string
}

/** What is held on a user, in the order it is told. Digests of secrets are left out. */
const parts: readonly Part[] = [
  {
    type: 'user',
    key: 'id',
    sql: `SELECT id, phone, name, password_hash IS NOT NULL AS hasPassword, tier_override AS tierOverride,
      verified_at AS verifiedAt, created_at AS createdAt, updated_at AS updatedAt
      FROM users WHERE id = $userId AND id > $after ORDER BY id`,
  },
  {
    type: 'session',
    key: 'id',
    sql: `SELECT id, device, ip, created_at AS createdAt, last_used_at AS lastUsedAt, expires_at AS expiresAt,
      ended_at AS endedAt FROM sessions WHERE user_id = $userId AND id > $after ORDER BY id`,
  },
  {
    type: 'chatroom',
    key: 'id',
    sql: `SELECT id, title, system_prompt AS systemPrompt, model, created_at AS createdAt, updated_at AS updatedAt
      FROM chatrooms WHERE user_id = $userId AND id > $after ORDER BY id`,
  },
  {
    type: 'message',
    key: 'key',
    // Room by room, so that a page never sorts more than one of them.
    sql: `SELECT m.chatroom_id || ':' || printf('%012d', m.position) AS "key", m.id, m.chatroom_id AS chatroomId,
      m.role, m.content, m.status, m.reply_to AS replyTo, m.version, m.error_code AS errorCode, m.model,
      m.finish_reason AS finishReason, m.prompt_tokens AS promptTokens, m.reply_tokens AS replyTokens,
      m.created_at AS createdAt, m.completed_at AS completedAt
      FROM chatrooms c JOIN messages m ON m.chatroom_id = c.id
      WHERE c.user_id = $userId AND c.id >= substr($after, 1, 36)
        AND (m.chatroom_id, m.position) > (substr($after, 1, 36), CAST(substr($after, 38) AS INTEGER))
      ORDER BY c.id, m.position`,
  },
  {
    type: 'quota',
    key: 'day',
    sql: 'SELECT day, used FROM quota_usage WHERE user_id = $userId AND day > $after ORDER BY day',
  },
  {
    type: 'subscription',
    key: 'id',
    sql: `SELECT s.id, s.customer_id AS customerId, s.status, s.price_id AS priceId, s.period_start AS periodStart,
      s.period_end AS periodEnd, s.cancel_at_period_end AS cancelAtPeriodEnd, s.created_at AS createdAt
      FROM billing_customers b JOIN subscriptions s ON s.customer_id = b.id
      WHERE b.user_id = $userId AND s.id > $after ORDER BY s.id`,
  },
  {
    type: 'audit',
    key: 'key',
    sql: `SELECT printf('%016d', id) AS "key", at, event, actor, request_id AS requestId, ip, detail FROM audit_log
      WHERE user_id = $userId AND id > CAST($after AS INTEGER) ORDER BY id`,
  },
]

/** Reads all of it, a page at a time; between two pages others may write. */
export function* everything(sqlite: Sqlite, userId: string): Generator<Entry[]> {
  for (const { type, key, sql } of parts) {
    const page = sqlite.query<Row, [{ userId: string; after: string; limit: number }]>(
      `${sql} LIMIT $limit`,
    )
    let after = ''
    for (;;) {
      const rows = page.all({ userId, after, limit: PAGE })
      const last = rows.at(-1)
      if (last === undefined) break
      yield rows.map(({ key: _key, ...row }) => ({ type, ...row }))
      if (rows.length < PAGE) break
      after = String(last[key])
    }
  }
}
