import { eq, sql } from 'drizzle-orm'
import { users } from '#drizzle/schema.ts'
import { syncCommand } from '#src/database/command.ts'
import { compile, named } from '#src/database/compile.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { spend } from '#src/modules/limits/commands.ts'
import { NUMBER_DIGEST } from '#src/plugins/somebody.ts'
import type { Queue } from '#src/queue/queue.ts'
import { createResumeErasures, eraseSome } from './erase.sqlite.ts'
import { everything } from './export.sqlite.ts'
import { createRemove, pruneUnverified } from './remove.sqlite.ts'
import type { OnDeleted, UserStore } from './store.ts'

const columns = {
  ...named({ id: users.id, phone: users.phone, name: users.name, createdAt: users.createdAt }),
  hasPassword: sql<number>`${users.passwordHash} IS NOT NULL`.as('hasPassword'),
  numberDigest: sql<string>`${sql.raw(NUMBER_DIGEST)}`.as('numberDigest'),
}

const rename = syncCommand(
  'users.rename',
  ({ orm }) =>
    (_tx, { userId, name, now }: { userId: string; name: string | null; now: number }): void => {
      orm.update(users).set({ name, updatedAt: now }).where(eq(users.id, userId)).run()
    },
)

const startExport = syncCommand(
  'users.start-export',
  () =>
    (tx, { userId, limit, origin, now }: Parameters<UserStore['startExport']>[0]): void => {
      tx.run(spend, { limits: [limit], now })
      tx.run(audit, { at: now, event: 'account.exported', userId, actor: 'user', origin })
    },
)

export function createUserStore(
  database: Database,
  queue: Queue,
  onDeleted: readonly OnDeleted[],
): UserStore {
  const find = compile(database.sqlite, () =>
    database.orm
      .select(columns)
      .from(users)
      .where(eq(users.id, sql.placeholder('userId'))),
  )
  const remove = createRemove(queue, onDeleted)
  const resumeErasures = createResumeErasures(queue)
  return {
    async find(userId) {
      const row = find.get({ userId })
      return row && { ...row, hasPassword: row.hasPassword === 1 }
    },
    rename: (input) => database.execute(rename, input),
    async remove(input) {
      for (;;) {
        const isRemoved = await database.execute(remove, input)
        if (isRemoved !== undefined) return isRemoved
      }
    },
    eraseSome: (input) => database.execute(eraseSome, input),
    resumeErasures: () => database.execute(resumeErasures, undefined),
    startExport: (input) => database.execute(startExport, input),
    everything: (userId) => everything(database.sqlite, userId),
    pruneUnverified: (input) => database.execute(pruneUnverified, input),
  }
}
