import type { Database as Sqlite } from 'bun:sqlite'
import { takeRows } from '#src/lib/page.ts'
import { NUMBER_DIGEST } from '#src/plugins/somebody.ts'
import type { Entry } from './store.ts'

/** Rows read and sent at a time, fewer where their texts are long: this bounds the memory of an export and each of its steps. */
const PAGE = 50
/** A page that is this full takes no further room. */
const PAGE_CHARACTERS = 64 * 1024

type Row = Record<string, string | number | null>

interface Part {
  type: string
  /** Rows behind `$after` in the order of `key`, of whom `$owner` is. */
  sql: string
  /** Which column the next page starts behind. */
  key: string
}

/**
 * What is held on a user, in the order it is told; the messages come with their rooms, and with a customer at Stripe
 * what is held on it. Digests of secrets are left out.
 */
const parts: readonly Part[] = [
  {
    type: 'user',
    key: 'id',
    sql: `SELECT id, phone, name, password_hash IS NOT NULL AS hasPassword, tier_override AS tierOverride,
      verified_at AS verifiedAt, created_at AS createdAt, updated_at AS updatedAt
      FROM users WHERE id = $owner AND id > $after ORDER BY id`,
  },
  {
    type: 'session',
    key: 'key',
    // Walks sessions_of_user.
    sql: `SELECT printf('%016d:%016d', created_at, rowid) AS "key", id, device, ip, created_at AS createdAt,
      last_used_at AS lastUsedAt, expires_at AS expiresAt, ended_at AS endedAt
      FROM sessions WHERE user_id = $owner
        AND (created_at, rowid) > (CAST(substr($after, 1, 16) AS INTEGER), CAST(substr($after, 18) AS INTEGER))
      ORDER BY created_at, rowid`,
  },
  {
    type: 'chatroom',
    key: 'key',
    // Walks chatrooms_of_user. A room that becomes active meanwhile is told twice rather than not at all.
    sql: `SELECT printf('%016d', active_at) || ':' || id AS "key", id, title, system_prompt AS systemPrompt, model,
      created_at AS createdAt, updated_at AS updatedAt FROM chatrooms
      WHERE user_id = $owner AND (active_at, id) > (CAST(substr($after, 1, 16) AS INTEGER), substr($after, 18))
      ORDER BY active_at, id`,
  },
  {
    type: 'quota',
    key: 'day',
    // Walks the keys of both tables.
    sql: `SELECT day, used FROM quota_usage
      WHERE number_digest = (SELECT ${NUMBER_DIGEST} FROM users WHERE id = $owner) AND day > $after
      UNION ALL SELECT day, used FROM number_usage
      WHERE number_digest = (SELECT ${NUMBER_DIGEST} FROM users WHERE id = $owner) AND day > $after
      ORDER BY day`,
  },
  {
    type: 'customer',
    key: 'id',
    // Walks billing_customers_by_user.
    sql: `SELECT id, livemode, created_at AS createdAt, gone_at AS goneAt
      FROM billing_customers WHERE user_id = $owner AND id > $after ORDER BY id`,
  },
  {
    type: 'audit',
    key: 'key',
    // Walks audit_of_user.
    sql: `SELECT printf('%016d:%016d', at, id) AS "key", at, event, actor, request_id AS requestId, ip, detail
      FROM audit_log WHERE user_id = $owner
        AND (at, id) > (CAST(substr($after, 1, 16) AS INTEGER), CAST(substr($after, 18) AS INTEGER))
      ORDER BY at, id`,
  },
]

/** What is held on a customer at Stripe. */
const partsOfCustomer: readonly Part[] = [
  {
    type: 'subscription',
    key: 'key',
    // Walks subscriptions_of_customer.
    sql: `SELECT printf('%016d', rowid) || status AS "key", id, customer_id AS customerId, status, price_id AS priceId,
      period_start AS periodStart, period_end AS periodEnd, cancel_at_period_end AS cancelAtPeriodEnd,
      created_at AS createdAt
      FROM subscriptions WHERE customer_id = $owner
        AND (status, rowid) > (substr($after, 17), CAST(substr($after, 1, 16) AS INTEGER))
      ORDER BY status, rowid`,
  },
  {
    type: 'checkout',
    key: 'key',
    // Walks checkout_sessions_of_customer.
    sql: `SELECT printf('%016d:%016d', created_at, rowid) AS "key", id, customer_id AS customerId, url, status,
      created_at AS createdAt, expires_at AS expiresAt
      FROM checkout_sessions WHERE customer_id = $owner
        AND (created_at, rowid) > (CAST(substr($after, 1, 16) AS INTEGER), CAST(substr($after, 18) AS INTEGER))
      ORDER BY created_at, rowid`,
  },
]

/** Uses messages_in_order. */
const MESSAGES = `
  SELECT position, id, chatroom_id AS chatroomId, role, content, status, reply_to AS replyTo, version,
    error_code AS errorCode, model, finish_reason AS finishReason, prompt_tokens AS promptTokens,
    reply_tokens AS replyTokens, created_at AS createdAt, completed_at AS completedAt
  FROM messages WHERE chatroom_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3`

/** Reads all of it, a page at a time; between two pages others may write. */
export function* everything(sqlite: Sqlite, userId: string): Generator<Entry[]> {
  for (const part of parts) {
    for (const rows of pages(sqlite, part, userId)) {
      yield toEntries(part, rows)
      // One by one: a query over all of them would walk a room from its start for each page.
      const ids = rows.map(({ id }) => String(id))
      if (part.type === 'chatroom') yield* messagesOf(sqlite, ids)
      if (part.type === 'customer') yield* billingOf(sqlite, ids)
    }
  }
}

function* billingOf(sqlite: Sqlite, customerIds: string[]): Generator<Entry[]> {
  for (const id of customerIds) {
    for (const part of partsOfCustomer) {
      for (const rows of pages(sqlite, part, id)) yield toEntries(part, rows)
    }
  }
}

function toEntries({ type }: Part, rows: Row[]): Entry[] {
  return rows.map(({ key: _key, ...row }) => ({ type, ...row }))
}

function* pages(sqlite: Sqlite, { sql, key }: Part, owner: string): Generator<Row[]> {
  const page = sqlite.query<Row, [{ owner: string; after: string; limit: number }]>(
    `${sql} LIMIT $limit`,
  )
  let after = ''
  for (;;) {
    const { rows, hasMore } = takeRows(
      page.iterate({ owner, after, limit: PAGE + 1 }),
      PAGE,
      textsOf,
    )
    if (rows.length > 0) yield rows
    if (!hasMore) return
    after = String(rows.at(-1)?.[key])
  }
}

/** In pages as full as can be, so that a thousand rooms of a few messages are not a thousand pages. */
function* messagesOf(sqlite: Sqlite, roomIds: string[]): Generator<Entry[]> {
  const find = sqlite.query<Row, [string, number, number]>(MESSAGES)
  let entries: Entry[] = []
  let characters = 0
  for (const roomId of roomIds) {
    let after = 0
    for (;;) {
      const limit = PAGE - entries.length
      const { rows, hasMore } = takeRows(find.iterate(roomId, after, limit + 1), limit, textsOf)
      for (const { position: _position, ...row } of rows) {
        entries.push({ type: 'message', ...row })
        characters += String(row['content']).length
      }
      const isFull = entries.length === PAGE || characters >= PAGE_CHARACTERS
      if (hasMore || isFull) {
        yield entries
        entries = []
        characters = 0
      }
      if (!hasMore) break
      after = Number(rows.at(-1)?.['position'])
    }
  }
  if (entries.length > 0) yield entries
}

function textsOf(row: Row): string[] {
  return Object.values(row).filter((value) => typeof value === 'string')
}
