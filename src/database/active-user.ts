import { sql } from 'drizzle-orm'
import { users } from '#drizzle/schema.ts'

/** Condition on `users`: the row is a user, and not one that is being erased. */
export const isActive = sql`${users.phone} IS NOT NULL`

/** What the limits and quotas of a row of `users` are counted by, see the schema; never null. */
export const numberDigest = sql<string>`coalesce(${users.numberDigest}, ${users.id})`
