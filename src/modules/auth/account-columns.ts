import { sql } from 'drizzle-orm'
import { users } from '#drizzle/schema.ts'

/** What logging in needs of a user. */
export const accountColumns = {
  id: users.id,
  phone: users.phone,
  name: users.name,
  passwordHash: users.passwordHash,
  verifiedAt: users.verifiedAt,
}

/** Never null, see the schema. */
export const NUMBER_DIGEST = sql<string>`coalesce(${users.numberDigest}, ${users.id})`
