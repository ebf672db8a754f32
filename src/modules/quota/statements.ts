import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { quotaUsage as days, numberUsage as usages, users } from '#drizzle/schema.ts'
import { isActive, numberDigest } from '#src/database/active-user.ts'
import { columns, insertInto, statement, update } from '#src/database/statement.ts'
import type { Usage } from './model.ts'

const COUNTS = {
  day: usages.day,
  used: usages.used,
  starts: usages.starts,
  minuteAt: usages.minuteAt,
  minutePrompts: usages.minutePrompts,
  pending: usages.pending,
  storedBytes: usages.storedBytes,
}

type Row = Usage & { numberDigest: string }

/** By the primary key of users. */
export const findOwner = statement<{ userId: string }, { numberDigest: string; phone: string }>(
  (p) => sql`
    SELECT ${columns({ numberDigest, phone: users.phone })} FROM ${users}
    WHERE ${users.id} = ${p.userId} AND ${isActive}`,
)

/** By the primary key of number_usage. */
export const findUsage = statement<{ numberDigest: string }, Usage>(
  (p) =>
    sql`SELECT ${columns(COUNTS)} FROM ${usages} WHERE ${usages.numberDigest} = ${p.numberDigest}`,
)

export const insertUsage = statement<Row>((p) =>
  insertInto(usages, {
    numberDigest: p.numberDigest,
    day: p.day,
    used: p.used,
    starts: p.starts,
    minuteAt: p.minuteAt,
    minutePrompts: p.minutePrompts,
    pending: p.pending,
    storedBytes: p.storedBytes,
  }),
)

/** By the primary key of number_usage. */
export const updateUsage = statement<Row>((p) => {
  const { day, used, starts, minuteAt, minutePrompts, pending, storedBytes } = p
  const values = { day, used, starts, minuteAt, minutePrompts, pending, storedBytes }
  return sql`${update(usages, values)} WHERE ${usages.numberDigest} = ${p.numberDigest}`
})

/** By the primary key of number_usage. */
export const settleUsage = statement<{ numberDigest: string; bytes: number }>(
  (p) => sql`
    ${update(usages, {
      pending: oneLess(usages.pending),
      storedBytes: sql`${usages.storedBytes} + ${p.bytes}`,
    })}
    WHERE ${usages.numberDigest} = ${p.numberDigest}`,
)

/** By the primary key of number_usage. */
export const refundToday = statement<{ numberDigest: string; day: string }>(
  (p) => sql`
    ${update(usages, { used: oneLess(usages.used) })}
    WHERE ${usages.numberDigest} = ${p.numberDigest} AND ${usages.day} = ${p.day}`,
)

/** By the primary key of number_usage. */
export const removeUsage = statement<{ numberDigest: string }>(
  (p) => sql`DELETE FROM ${usages} WHERE ${usages.numberDigest} = ${p.numberDigest}`,
)

/** By the primary key of quota_usage. */
export const findDay = statement<
  { numberDigest: string; day: string },
  { used: number; starts: number }
>(
  (p) => sql`
    SELECT ${columns({ used: days.used, starts: days.starts })} FROM ${days}
    WHERE ${days.numberDigest} = ${p.numberDigest} AND ${days.day} = ${p.day}`,
)

/** By the primary key of quota_usage. */
export const keepDay = statement<{
  numberDigest: string
  day: string
  used: number
  starts: number
  accountGone: number
}>((p) => {
  const { day, used, starts, accountGone } = p
  return sql`
    ${insertInto(days, { numberDigest: p.numberDigest, day, used, starts, accountGone })}
    ON CONFLICT (number_digest, day) DO UPDATE SET
      used = excluded.used, starts = excluded.starts, account_gone = excluded.account_gone`
})

/** By the primary key of quota_usage. */
export const refundPast = statement<{ numberDigest: string; day: string }>(
  (p) => sql`
    ${update(days, { used: oneLess(days.used) })}
    WHERE ${days.numberDigest} = ${p.numberDigest} AND ${days.day} = ${p.day}`,
)

/** By the primary key of quota_usage. */
export const removeDay = statement<{ numberDigest: string; day: string }>(
  (p) => sql`
    DELETE FROM ${days} WHERE ${days.numberDigest} = ${p.numberDigest} AND ${days.day} = ${p.day}`,
)

/** By the primary key of quota_usage. */
export const removeDaysOf = statement<{ numberDigest: string }>(
  (p) => sql`DELETE FROM ${days} WHERE ${days.numberDigest} = ${p.numberDigest}`,
)

/** By quota_usage_by_day. */
export const removeDaysBefore = statement<{ day: string }>(
  (p) => sql`DELETE FROM ${days} WHERE ${days.day} < ${p.day}`,
)

/** By quota_usage_of_gone. */
export const removeDaysOfGoneBefore = statement<{ day: string }>(
  (p) => sql`DELETE FROM ${days} WHERE ${days.accountGone} = 1 AND ${days.day} < ${p.day}`,
)

/** Never below zero: a reply of a deleted account may be settled on the counts of the one that followed it. */
function oneLess(count: SQLWrapper): SQL {
  return sql`CASE WHEN ${count} > 0 THEN ${count} - 1 ELSE 0 END`
}
