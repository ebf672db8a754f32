import { sql } from 'drizzle-orm'
import { quotaUsage, users } from '#drizzle/schema.ts'
import { columns, insertInto, statement, update } from '#src/database/statement.ts'

/** What logging in needs of a user. */
type AccountRow = {
  id: string
  phone: string
  name: string | null
  passwordHash: string | null
  verifiedAt: number | null
}

const ACCOUNT = columns({
  id: users.id,
  phone: users.phone,
  name: users.name,
  passwordHash: users.passwordHash,
  verifiedAt: users.verifiedAt,
})

/** By the primary key. */
export const findAccount = statement<{ userId: string }, AccountRow>(
  (p) => sql`SELECT ${ACCOUNT} FROM ${users} WHERE ${users.id} = ${p.userId}`,
)

/** By the unique index of phones. */
export const findAccountByPhone = statement<{ phone: string }, AccountRow>(
  (p) => sql`SELECT ${ACCOUNT} FROM ${users} WHERE ${users.phone} = ${p.phone}`,
)

/**
 * By the unique index of phones. An account that is not verified takes the name and the password of the latest sign-up;
 * a verified one is written as it is, so that the time of the answer does not tell whether there is one. A number whose
 * account was deleted today keeps its digest, though the key has changed since, and so its quota.
 */
export const storeSignUp = statement<
  {
    id: string
    phone: string
    numberDigest: string
    previousDigest: string
    name: string | null
    passwordHash: string | null
    now: number
  },
  { id: string; verifiedAt: number | null }
>((p) => {
  const isOpen = sql`${users.verifiedAt} IS NULL`
  return sql`${insertInto(users, {
    id: p.id,
    phone: p.phone,
    numberDigest: sql`coalesce((SELECT ${quotaUsage.numberDigest} FROM ${quotaUsage}
      WHERE ${quotaUsage.numberDigest} = ${p.previousDigest} LIMIT 1), ${p.numberDigest})`,
    name: p.name,
    passwordHash: p.passwordHash,
    createdAt: p.now,
    updatedAt: p.now,
  })} ON CONFLICT (phone) DO UPDATE SET
      name = CASE WHEN ${isOpen} THEN excluded.name ELSE ${users.name} END,
      password_hash = CASE WHEN ${isOpen} THEN excluded.password_hash ELSE ${users.passwordHash} END,
      updated_at = CASE WHEN ${isOpen} THEN excluded.updated_at ELSE ${users.updatedAt} END
    RETURNING id, verified_at AS "verifiedAt"`
})

/** By the primary key; leaves a row that would not change unwritten. */
export const verifyAccount = statement<{
  userId: string
  passwordHash: string | null
  now: number
}>(
  (p) => sql`${update(users, {
    verifiedAt: sql`coalesce(${users.verifiedAt}, ${p.now})`,
    passwordHash: p.passwordHash,
    updatedAt: p.now,
  })} WHERE ${users.id} = ${p.userId}
      AND (${users.verifiedAt} IS NULL OR ${users.passwordHash} IS DISTINCT FROM ${p.passwordHash})`,
)

/** By the primary key; the number is proven by the code that came with it. */
export const setPassword = statement<{ userId: string; passwordHash: string; now: number }>(
  (p) =>
    sql`${update(users, {
      passwordHash: p.passwordHash,
      verifiedAt: sql`coalesce(${users.verifiedAt}, ${p.now})`,
      updatedAt: p.now,
    })} WHERE ${users.id} = ${p.userId}`,
)

/** By the primary key; changes nothing where the password is another by now. */
export const replacePassword = statement<{
  userId: string
  from: string | null
  to: string
  now: number
}>(
  (p) => sql`${update(users, { passwordHash: p.to, updatedAt: p.now })}
    WHERE ${users.id} = ${p.userId} AND ${users.passwordHash} IS NOT DISTINCT FROM ${p.from}`,
)
