import { sql } from 'drizzle-orm'
import { cronSlots } from '#drizzle/schema.ts'
import { insertInto, statement } from '#src/database/statement.ts'
import { command } from '#src/database/steps.ts'
import { MINUTE } from '#src/lib/time.ts'

/** By the primary key. */
const take = statement<{ task: string; slot: number }>(
  (p) => sql`${insertInto(cronSlots, { task: p.task, slot: p.slot })}
    ON CONFLICT (task) DO UPDATE SET slot = excluded.slot WHERE ${cronSlots.slot} < excluded.slot`,
)

/**
 * Claims the present minute for a task of the clock; false where another process has it. A clock that was set back runs
 * no task twice.
 */
export const claimSlot = command(
  'cron.claim',
  function* (tx, { task, now }: { task: string; now: number }) {
    return (yield* tx.run(take, { task, slot: Math.floor(now / MINUTE) })) > 0
  },
)
