import { and, eq, lt, sql } from 'drizzle-orm'
import { quotaUsage } from '#drizzle/schema.ts'
import { command } from '#src/database/command.ts'
import { compile, named } from '#src/database/compile.ts'
import type { Database } from '#src/database/open.ts'
import type { QuotaStore } from './store.ts'

const { placeholder } = sql
const here = and(
  eq(quotaUsage.userId, placeholder('userId')),
  eq(quotaUsage.day, placeholder('day')),
)

export function createQuotaStore(database: Database): QuotaStore {
  const used = compile(
    database.sqlite,
    database.orm
      .select(named({ used: quotaUsage.used }))
      .from(quotaUsage)
      .where(here),
  )

  const take = command('quota.take', ({ sqlite }) => {
    // One statement decides and counts, so that parallel prompts cannot slip past the limit.
    const count = sqlite.query<{ used: number }, [{ userId: string; day: string; limit: number }]>(`
      INSERT INTO quota_usage (user_id, day, used) SELECT $userId, $day, 1 WHERE $limit > 0
      ON CONFLICT (user_id, day) DO UPDATE SET used = used + 1 WHERE used < $limit
      RETURNING used`)
    return (_tx, input: { userId: string; day: string; limit: number }) => count.get(input)?.used
  })

  const giveBack = command('quota.give-back', ({ orm }) => {
    const uncount = orm
      .update(quotaUsage)
      .set({ used: sql`max(0, ${quotaUsage.used} - 1)` })
      .where(here)
      .prepare()
    return (_tx, input: { userId: string; day: string }): void => {
      uncount.run(input)
    }
  })

  const prune = command('quota.prune', ({ orm }) => {
    const remove = orm
      .delete(quotaUsage)
      .where(lt(quotaUsage.day, placeholder('before')))
      .returning({ day: quotaUsage.day })
      .prepare()
    return (_tx, { before }: { before: string }) => remove.all({ before }).length
  })

  return {
    used: (input) => used.get(input)?.used ?? 0,
    take,
    giveBack,
    prune: (input) => database.execute(prune, input),
  }
}
