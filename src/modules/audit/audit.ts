import { command, query } from '#src/database/steps.ts'
import type { Origin } from '#src/plugins/origin.ts'
import { insertEntry, listEntries, listEntriesOfUser, removeOld } from './statements.ts'

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
    yield* tx.run(insertEntry, {
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
