import type { Connection } from '#src/database/command.ts'

/**
 * Users by tier, near enough for a graph: it looks at each live subscription and takes no grace into account,
 * where a prompt asks the entitlement of its one user.
 */
export function countUsersByTier({ sqlite }: Connection): { basic: number; pro: number } {
  const row = sqlite
    .query<{ users: number; pro: number }, []>(
      `SELECT (SELECT count(*) FROM users) AS users,
        (SELECT count(DISTINCT c.user_id) FROM subscriptions s
          JOIN billing_customers c ON c.id = s.customer_id
          WHERE s.status IN ('active', 'trialing') AND c.user_id IS NOT NULL) AS pro`,
    )
    .get()
  const { users, pro } = row ?? { users: 0, pro: 0 }
  return { basic: users - pro, pro }
}
