import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { auditLog } from '#drizzle/schema.ts'
import { columns, insertInto, statement } from '#src/database/statement.ts'

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

/** Appended; the log has no other way in. */
export const insertEntry = statement<{
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
export const listEntries = statement<{ beginning: string; limit: number }, RecordedEntry>(
  (p) => sql`
    SELECT ${ENTRY} FROM ${auditLog} WHERE ${beginsWith(p.beginning)}
    ORDER BY ${auditLog.id} DESC LIMIT ${p.limit}`,
)

/** By audit_of_user. */
export const listEntriesOfUser = statement<
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
export const removeOld = statement<{ before: number; limit: number }>(
  (p) => sql`DELETE FROM ${auditLog} WHERE ${auditLog.id} IN
    (SELECT ${auditLog.id} FROM ${auditLog} WHERE ${auditLog.at} < ${p.before} LIMIT ${p.limit})`,
)
