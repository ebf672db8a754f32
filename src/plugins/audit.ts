import { sql } from 'drizzle-orm'
import { auditLog } from '#drizzle/schema.ts'
import { type Command, syncCommand } from '#src/database/command.ts'
import type { Origin } from './origin.ts'

/** What is written down. Never a secret, a phone number or a text of a user. */
export interface AuditEntry {
  at: number
  /** `<noun>.<what happened>`: `login.succeeded`. */
  event: string
  /** Whom it is about. */
  userId: string | null
  /** `user`, `stranger`, `system`, or `operator`. */
  actor: 'user' | 'stranger' | 'system' | 'operator'
  /** Whence it was asked; nothing where no request was. */
  origin?: Pick<Origin, 'ip' | 'requestId'> | undefined
  detail?: Record<string, string | number | boolean | null>
}

/** Writes one entry in the transaction of what it tells of. */
export const audit: Command<AuditEntry, void> = syncCommand('audit.record', ({ orm }) => {
  const insert = orm
    .insert(auditLog)
    .values({
      at: sql.placeholder('at'),
      event: sql.placeholder('event'),
      userId: sql.placeholder('userId'),
      actor: sql.placeholder('actor'),
      requestId: sql.placeholder('requestId'),
      ip: sql.placeholder('ip'),
      detail: sql.placeholder('detail'),
    })
    .prepare()
  return (_tx, { at, event, userId, actor, origin, detail }) => {
    insert.run({
      at,
      event,
      userId,
      actor,
      requestId: origin?.requestId ?? null,
      ip: origin?.ip ?? null,
      detail: detail ? JSON.stringify(detail) : null,
    })
  }
})
