import { sql } from 'drizzle-orm'
import { statement } from '#src/database/statement.ts'

// `user_version` is a field of the header of the file that nothing else uses. A pragma takes no parameters.

export const readUserVersion = statement<Record<never, never>, { user_version: number }>(
  () => sql`PRAGMA user_version`,
)

export const setUserVersionTo0 = statement<Record<never, never>>(() => sql`PRAGMA user_version = 0`)

export const setUserVersionTo1 = statement<Record<never, never>>(() => sql`PRAGMA user_version = 1`)
