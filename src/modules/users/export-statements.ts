import { sql } from 'drizzle-orm'
import {
  auditLog,
  billingCustomers,
  chatrooms,
  checkoutSessions,
  messages,
  numberUsage,
  quotaUsage,
  sessions,
  subscriptions,
  users,
} from '#drizzle/schema.ts'
import { numberDigest } from '#src/database/active-user.ts'
import { rowOrder } from '#src/database/dialect.ts'
import { columns, statement, type Value } from '#src/database/statement.ts'

/** What a page goes on behind, as one row value in the order of an index. */
export type Place = { major: Value; minor: Value }

/** The `limit` rows behind a place; each row also has its own place, which is not a part of what is exported. */
type Page = Place & { owner: string; limit: number }

export type ExportRow = Place & Record<string, Value>

/** By the primary key. */
export const exportUser = statement<Page, ExportRow>(
  (p) =>
    sql`SELECT ${columns({
      major: sql`0`,
      minor: users.id,
      id: users.id,
      phone: users.phone,
      name: users.name,
      hasPassword: sql`${users.passwordHash} IS NOT NULL`,
      tierOverride: users.tierOverride,
      verifiedAt: users.verifiedAt,
      createdAt: users.createdAt,
      updatedAt: users.updatedAt,
    })} FROM ${users} WHERE ${users.id} = ${p.owner} AND ${users.id} > ${p.minor} LIMIT ${p.limit}`,
)

/** By sessions_of_user. */
export const exportSessions = statement<Page, ExportRow>(
  (p) => sql`SELECT ${columns({
    major: sessions.createdAt,
    minor: rowOrder(sessions),
    id: sessions.id,
    device: sessions.device,
    ip: sessions.ip,
    createdAt: sessions.createdAt,
    lastUsedAt: sessions.lastUsedAt,
    expiresAt: sessions.expiresAt,
    endedAt: sessions.endedAt,
  })} FROM ${sessions}
    WHERE ${sessions.userId} = ${p.owner}
      AND (${sessions.createdAt}, ${rowOrder(sessions)}) > (${p.major}, ${p.minor})
    ORDER BY ${sessions.createdAt}, ${rowOrder(sessions)} LIMIT ${p.limit}`,
)

/** By chatrooms_of_user. A room that becomes active meanwhile is exported twice rather than not at all. */
export const exportRooms = statement<Page, ExportRow>(
  (p) => sql`SELECT ${columns({
    major: chatrooms.activeAt,
    minor: chatrooms.id,
    id: chatrooms.id,
    title: chatrooms.title,
    systemPrompt: chatrooms.systemPrompt,
    model: chatrooms.model,
    createdAt: chatrooms.createdAt,
    updatedAt: chatrooms.updatedAt,
  })} FROM ${chatrooms}
    WHERE ${chatrooms.userId} = ${p.owner}
      AND (${chatrooms.activeAt}, ${chatrooms.id}) > (${p.major}, ${p.minor})
    ORDER BY ${chatrooms.activeAt}, ${chatrooms.id} LIMIT ${p.limit}`,
)

/** By messages_in_order. */
export const exportMessages = statement<
  { roomId: string; after: number; limit: number },
  Record<string, Value> & { position: number; content: string }
>(
  (p) => sql`SELECT ${columns({
    position: messages.position,
    id: messages.id,
    chatroomId: messages.chatroomId,
    role: messages.role,
    content: messages.content,
    status: messages.status,
    replyTo: messages.replyTo,
    version: messages.version,
    errorCode: messages.errorCode,
    model: messages.model,
    finishReason: messages.finishReason,
    promptTokens: messages.promptTokens,
    replyTokens: messages.replyTokens,
    createdAt: messages.createdAt,
    completedAt: messages.completedAt,
  })} FROM ${messages}
    WHERE ${messages.chatroomId} = ${p.roomId} AND ${messages.position} > ${p.after}
    ORDER BY ${messages.position} LIMIT ${p.limit}`,
)

/** By the primary keys of both tables. */
export const exportQuota = statement<Page, ExportRow>((p) => {
  const digest = sql`(SELECT ${numberDigest} FROM ${users} WHERE ${users.id} = ${p.owner})`
  const daysOf = (table: typeof quotaUsage | typeof numberUsage) =>
    sql`SELECT ${columns({
      major: sql`0`,
      minor: table.day,
      day: table.day,
      used: table.used,
    })} FROM ${table} WHERE ${table.numberDigest} = ${digest} AND ${table.day} > ${p.minor}`
  return sql`${daysOf(quotaUsage)} UNION ALL ${daysOf(numberUsage)} ORDER BY day LIMIT ${p.limit}`
})

/** By billing_customers_by_user. */
export const exportCustomers = statement<Page, ExportRow>(
  (p) => sql`SELECT ${columns({
    major: sql`0`,
    minor: billingCustomers.id,
    id: billingCustomers.id,
    livemode: billingCustomers.livemode,
    createdAt: billingCustomers.createdAt,
    goneAt: billingCustomers.goneAt,
  })} FROM ${billingCustomers}
    WHERE ${billingCustomers.userId} = ${p.owner} AND ${billingCustomers.id} > ${p.minor}
    ORDER BY ${billingCustomers.id} LIMIT ${p.limit}`,
)

/** By subscriptions_of_customer. */
export const exportSubscriptions = statement<Page, ExportRow>(
  (p) => sql`SELECT ${columns({
    major: subscriptions.status,
    minor: rowOrder(subscriptions),
    id: subscriptions.id,
    customerId: subscriptions.customerId,
    status: subscriptions.status,
    priceId: subscriptions.priceId,
    periodStart: subscriptions.periodStart,
    periodEnd: subscriptions.periodEnd,
    cancelAtPeriodEnd: subscriptions.cancelAtPeriodEnd,
    createdAt: subscriptions.createdAt,
  })} FROM ${subscriptions}
    WHERE ${subscriptions.customerId} = ${p.owner}
      AND (${subscriptions.status}, ${rowOrder(subscriptions)}) > (${p.major}, ${p.minor})
    ORDER BY ${subscriptions.status}, ${rowOrder(subscriptions)} LIMIT ${p.limit}`,
)

/** By checkout_sessions_of_customer. */
export const exportCheckouts = statement<Page, ExportRow>(
  (p) => sql`SELECT ${columns({
    major: checkoutSessions.createdAt,
    minor: rowOrder(checkoutSessions),
    id: checkoutSessions.id,
    customerId: checkoutSessions.customerId,
    url: checkoutSessions.url,
    status: checkoutSessions.status,
    createdAt: checkoutSessions.createdAt,
    expiresAt: checkoutSessions.expiresAt,
  })} FROM ${checkoutSessions}
    WHERE ${checkoutSessions.customerId} = ${p.owner}
      AND (${checkoutSessions.createdAt}, ${rowOrder(checkoutSessions)}) > (${p.major}, ${p.minor})
    ORDER BY ${checkoutSessions.createdAt}, ${rowOrder(checkoutSessions)} LIMIT ${p.limit}`,
)

/** By audit_of_user. */
export const exportAudit = statement<Page, ExportRow>(
  (p) => sql`SELECT ${columns({
    major: auditLog.at,
    minor: auditLog.id,
    at: auditLog.at,
    event: auditLog.event,
    actor: auditLog.actor,
    requestId: auditLog.requestId,
    ip: auditLog.ip,
    detail: auditLog.detail,
  })} FROM ${auditLog}
    WHERE ${auditLog.userId} = ${p.owner} AND (${auditLog.at}, ${auditLog.id}) > (${p.major}, ${p.minor})
    ORDER BY ${auditLog.at}, ${auditLog.id} LIMIT ${p.limit}`,
)
