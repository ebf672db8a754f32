import { and, eq, lt, sql } from 'drizzle-orm'
import { stripeAttempts } from '#drizzle/schema.ts'
import { type Command, syncCommand } from '#src/database/command.ts'
import { HOUR, MINUTE } from '#src/lib/time.ts'

/** Stripe forgets an idempotency key after 24 hours; ours must not outlive it. */
const KEPT_MS = 23 * HOUR
/** A user's call that has not ended by then belongs to a process that died. */
const FLIGHT_MS = MINUTE

/** That calls of Stripe run for a user. `key` is the fencing token: only the claim that made it ends it. */
export interface Flight {
  scope: string
  key: string
}

/** Gives the key of the attempt under way, or starts one under `key`. */
export const claimAttempt: Command<{ scope: string; key: string; now: number }, string> =
  syncCommand('billing.claim-attempt', ({ orm }) => {
    const claim = orm
      .insert(stripeAttempts)
      .values({
        scope: sql.placeholder('scope'),
        key: sql.placeholder('key'),
        createdAt: sql.placeholder('now'),
      })
      .onConflictDoUpdate({
        target: stripeAttempts.scope,
        // Another key only where the one before is too old; the old row is given back as it is.
        set: { key: sql`excluded.key`, createdAt: sql`excluded.created_at` },
        setWhere: sql`${stripeAttempts.createdAt} < excluded.created_at - ${sql.raw(String(KEPT_MS))}`,
      })
      .prepare()
    const find = orm
      .select({ key: stripeAttempts.key })
      .from(stripeAttempts)
      .where(eq(stripeAttempts.scope, sql.placeholder('scope')))
      .prepare()
    return (_tx, input) => {
      claim.run(input)
      return find.get({ scope: input.scope })?.key ?? input.key
    }
  })

/** The attempt is over: Stripe's answer is known. */
export const endAttempt: Command<{ scope: string }, void> = syncCommand(
  'billing.end-attempt',
  ({ orm }) =>
    (_tx, { scope }) => {
      orm.delete(stripeAttempts).where(eq(stripeAttempts.scope, scope)).run()
    },
)

/** Claims the user for one run of calls; undefined while another process has them. */
export const claimFlight: Command<
  { userId: string; key: string; now: number },
  Flight | undefined
> = syncCommand('billing.claim-flight', ({ sqlite }) => {
  // A claim of the future was dated by a clock that has since been set back.
  const claim = sqlite.query<Flight, [Record<string, string | number>]>(`
    INSERT INTO stripe_attempts (scope, key, created_at) VALUES ($scope, $key, $now)
    ON CONFLICT (scope) DO UPDATE SET key = excluded.key, created_at = excluded.created_at
      WHERE created_at <= excluded.created_at - ${FLIGHT_MS} OR created_at > excluded.created_at
    RETURNING scope, key`)
  return (_tx, { userId, key, now }) =>
    claim.get({ scope: `flight:${userId}`, key, now }) ?? undefined
})

export const endFlight: Command<Flight, void> = syncCommand(
  'billing.end-flight',
  ({ orm }) =>
    (_tx, { scope, key }) => {
      orm
        .delete(stripeAttempts)
        .where(and(eq(stripeAttempts.scope, scope), eq(stripeAttempts.key, key)))
        .run()
    },
)

export const pruneAttempts: Command<{ now: number }, void> = syncCommand(
  'billing.prune-attempts',
  ({ orm }) =>
    (_tx, { now }) => {
      orm
        .delete(stripeAttempts)
        .where(lt(stripeAttempts.createdAt, now - KEPT_MS))
        .run()
    },
)
