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
  const used = compile(database.sqlite, () =>
    database.orm
      .select(named({ used: quotaUsage.used }))
      .from(quotaUsage)
      .where(here),
  )

  const take = command('quota.take', ({ sqlite }) => {
    const find = sqlite.query<{ used: number }, [string, string]>(
      'SELECT used FROM quota_usage WHERE user_id = ?1 AND day = ?2',
    )
    const begin = sqlite.query<unknown, [string, string]>(
      'INSERT INTO quota_usage (user_id, day, used) VALUES (?1, ?2, 1)',
    )
    const count = sqlite.query<unknown, [string, string, number]>(
      'UPDATE quota_usage SET used = ?3 WHERE user_id = ?1 AND day = ?2',
    )
    // Parallel prompts cannot slip past the limit: commands run one after another, behind SQLite's write lock.
    return (_tx, { userId, day, limit }: { userId: string; day: string; limit: number }) => {
      const used = find.get(userId, day)?.used
      if ((used ?? 0) >= limit) return undefined
      if (used === undefined) begin.run(userId, day)
      else count.run(userId, day, used + 1)
      return (used ?? 0) + 1
    }
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
