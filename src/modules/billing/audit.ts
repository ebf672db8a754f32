import { auditLog } from '#drizzle/schema.ts'
import { command } from '#src/database/command.ts'
import type { Audit } from './store.ts'

type Entry = Parameters<Audit>[1]

const append = command('billing.audit', ({ orm }) => (_tx, { detail, ...entry }: Entry): void => {
  orm
    .insert(auditLog)
    .values({ ...entry, detail: JSON.stringify(detail) })
    .run()
})

/** Appends to the audit log in the caller's transaction. */
export const audit: Audit = (tx, entry) => tx.run(append, entry)
