import { eq, sql } from 'drizzle-orm'
import { users } from '#drizzle/schema.ts'
import { command } from '#src/database/command.ts'
import type { Database } from '#src/database/open.ts'
import type { UserStore } from './store.ts'

const columns = {
  id: users.id,
  phone: users.phone,
  name: users.name,
  hasPassword: sql<number>`${users.passwordHash} IS NOT NULL`,
  createdAt: users.createdAt,
}

const rename = command(
  'users.rename',
  ({ orm }) =>
    (_tx, { userId, name, now }: { userId: string; name: string | null; now: number }): void => {
      orm.update(users).set({ name, updatedAt: now }).where(eq(users.id, userId)).run()
    },
)

export function createUserStore(database: Database): UserStore {
  const find = database.orm
    .select(columns)
    .from(users)
    .where(eq(users.id, sql.placeholder('userId')))
    .prepare()
  return {
    async find(userId) {
      const row = find.get({ userId })
      return row && { ...row, hasPassword: row.hasPassword === 1 }
    },
    rename: (input) => database.execute(rename, input),
  }
}
