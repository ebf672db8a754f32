import { sql } from 'drizzle-orm'
import { users } from '#drizzle/schema.ts'

/** Prefix of the phone column of a user who is being erased; the id follows it. */
export const ERASED_PREFIX = 'erased:'

/** Condition on `users`: the row is a user, and not one that is being erased. */
export const isActive = sql`${users.phone} NOT LIKE ${sql.raw(`'${ERASED_PREFIX}%'`)}`

/** The other rows, as a range of the index of phones: `;` follows `:`. */
export const isErased = sql`${users.phone} >= ${sql.raw(`'${ERASED_PREFIX}'`)}
  AND ${users.phone} < ${sql.raw(`'${ERASED_PREFIX.replace(':', ';')}'`)}`

/** What the limits and quotas of a row of `users` are counted by, see the schema; never null. */
export const numberDigest = sql<string>`coalesce(${users.numberDigest}, ${users.id})`
