import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { auditLog } from '#drizzle/schema.ts'
import { columns, insertInto, statement } from '#src/database/statement.ts'
import { command, query } from '#src/database/steps.ts'
import type { Origin } from '#src/plugins/origin.ts'

/** What is written down. Never a secret, a phone number or a text of a user. */
export interface AuditEntry {
  at: number
  /** `<noun>.<what happened>`: `login.succeeded`. */
  event: string
  /** Whom it is about. */
  userId: string | null
  /** `user`, `stranger`, `system`, or `operator`. */
  actor: 'user' | 'stranger' | 'system' | 'operator'
  /** Where the request came from; absent where there was none. */
  origin?: Pick<Origin, 'ip' | 'requestId'> | undefined
  detail?: Record<string, string | number | boolean | null>
}

const insert = statement<{
  at: number
  event: string
  userId: string | null
  actor: string
  requestId: string | null
  ip: string | null
  detail: string | null
}>((p) =>
  insertInto(auditLog, {
    at: p.at,
    event: p.event,
    userId: p.userId,
    actor: p.actor,
    requestId: p.requestId,
    ip: p.ip,
    detail: p.detail,
  }),
)

const ENTRY = columns({
  id: auditLog.id,
  at: auditLog.at,
  event: auditLog.event,
  userId: auditLog.userId,
  actor: auditLog.actor,
  requestId: auditLog.requestId,
  ip: auditLog.ip,
  detail: auditLog.detail,
})

/** By the primary key. */
const listEntries = statement<{ beginning: string; limit: number }, RecordedEntry>(
  (p) => sql`
    SELECT ${ENTRY} FROM ${auditLog} WHERE ${beginsWith(p.beginning)}
    ORDER BY ${auditLog.id} DESC LIMIT ${p.limit}`,
)

/** By audit_of_user. */
const listEntriesOfUser = statement<
  { userId: string; beginning: string; limit: number },
  RecordedEntry
>(
  (p) => sql`
    SELECT ${ENTRY} FROM ${auditLog}
    WHERE ${auditLog.userId} = ${p.userId} AND ${beginsWith(p.beginning)}
    ORDER BY ${auditLog.id} DESC LIMIT ${p.limit}`,
)

function beginsWith(beginning: SQLWrapper): SQL {
  return sql`substr(${auditLog.event}, 1, length(${beginning})) = ${beginning}`
}

/** By audit_by_time. */
const removeOld = statement<{ before: number; limit: number }>(
  (p) => sql`DELETE FROM ${auditLog} WHERE ${auditLog.id} IN
    (SELECT ${auditLog.id} FROM ${auditLog} WHERE ${auditLog.at} < ${p.before} LIMIT ${p.limit})`,
)

/** An entry as it is stored. */
export interface RecordedEntry {
  id: number
  at: number
  event: string
  userId: string | null
  actor: string
  requestId: string | null
  ip: string | null
  /** JSON. */
  detail: string | null
}

interface Asked {
  /** Only events that begin so. */
  event: string | undefined
  userId: string | undefined
  limit: number
}

/** The newest entries that match, the newest first. */
export const getAudit = query('audit.list', function* (tx, { event, userId, limit }: Asked) {
  const asked = { beginning: event ?? '', limit }
  return userId === undefined
    ? yield* tx.all(listEntries, asked)
    : yield* tx.all(listEntriesOfUser, { ...asked, userId })
})

/** Writes one entry in the transaction of what it records. */
export const audit = command(
  'audit.record',
  function* (tx, { at, event, userId, actor, origin, detail }: AuditEntry) {
    yield* tx.run(insert, {
      at,
      event,
      userId,
      actor,
      requestId: origin?.requestId ?? null,
      ip: origin?.ip ?? null,
      detail: detail ? JSON.stringify(detail) : null,
    })
  },
)

/** Deletes at most `limit` of the entries written before an instant; gives how many. */
export const pruneAudit = command(
  'audit.prune',
  function* (tx, input: { before: number; limit: number }) {
    return yield* tx.run(removeOld, input)
  },
)
