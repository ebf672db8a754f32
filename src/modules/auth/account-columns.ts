import { users } from '#drizzle/schema.ts'

/** What logging in needs of a user. */
export const accountColumns = {
  id: users.id,
  phone: users.phone,
  name: users.name,
  passwordHash: users.passwordHash,
  verifiedAt: users.verifiedAt,
}
