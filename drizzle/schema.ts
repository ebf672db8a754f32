/**
 * The whole data model on one page. Instants are integers, milliseconds since the Unix epoch; ids are
 * UUIDv7 text. Every table is STRICT: `bun run db:generate` adds the word, which Drizzle cannot express.
 */
import { type SQL, sql } from 'drizzle-orm'
import {
  type AnySQLiteColumn,
  check,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core'

/** Not IN: of a list of more than two SQLite makes a table of its own, anew at each row that is checked. */
const oneOf = (column: AnySQLiteColumn, values: readonly string[]): SQL =>
  sql`(${sql.join(
    values.map((value) => sql`${column} = ${sql.raw(`'${value}'`)}`),
    sql` OR `,
  )})`

// ── accounts ────────────────────────────────────────────────────────────────────────────────────

export const users = sqliteTable(
  'users',
  {
    id: text().primaryKey(),
    /** E.164. Null while the user is being erased: then nobody can log in, and the number is free. */
    phone: text().unique(),
    /**
     * Keyed digest of the phone, made once with the row: what is counted by it survives the account. Null where the
     * user is being erased; the id then stands in for it.
     */
    numberDigest: text('number_digest'),
    name: text(),
    /** argon2id; null where no password is set. */
    passwordHash: text('password_hash'),
    /** Set by an operator; wins over what Stripe says. */
    tierOverride: text('tier_override', { enum: ['basic', 'pro'] }),
    /** Null until somebody proved the number by OTP; such an account can do nothing. */
    verifiedAt: integer('verified_at'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [
    check('users_tier_override', oneOf(table.tierOverride, ['basic', 'pro'])),
    // For the count of users by tier.
    index('users_tier_set').on(table.tierOverride).where(sql`tier_override IS NOT NULL`),
    index('users_unverified').on(table.createdAt).where(sql`verified_at IS NULL`),
  ],
)

/** A user or a room that was deleted, and is too large to be erased in one commit. */
export const erasures = sqliteTable(
  'erasures',
  {
    /** Of the user or the room. */
    id: text().primaryKey(),
    kind: text({ enum: ['user', 'room'] }).notNull(),
    requestedAt: integer('requested_at').notNull(),
  },
  (table) => [check('erasures_kind', oneOf(table.kind, ['user', 'room']))],
)

/** One login on one device. A row that is gone or ended is a session that is over. */
export const sessions = sqliteTable(
  'sessions',
  {
    id: text().primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    device: text(),
    ip: text(),
    createdAt: integer('created_at').notNull(),
    lastUsedAt: integer('last_used_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    endedAt: integer('ended_at'),
  },
  (table) => [
    index('sessions_of_user').on(table.userId, table.createdAt),
    index('sessions_expiring').on(table.expiresAt),
  ],
)

/** Every refresh token a session ever had, by SHA-256, so that the reuse of an old one is seen. */
export const refreshTokens = sqliteTable(
  'refresh_tokens',
  {
    hash: text().primaryKey(),
    sessionId: text('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    createdAt: integer('created_at').notNull(),
    /** When its successor was handed out. */
    rotatedAt: integer('rotated_at'),
  },
  (table) => [
    index('refresh_tokens_of_session').on(table.sessionId),
    index('refresh_tokens_by_age').on(table.createdAt),
  ],
)

export const otpChallenges = sqliteTable(
  'otp_challenges',
  {
    id: text().primaryKey(),
    phone: text().notNull(),
    purpose: text({ enum: ['login', 'reset', 'delete'] }).notNull(),
    /** Null for a number nobody has: the challenge exists for parity and cannot be met. */
    userId: text('user_id').references(() => users.id, { onDelete: 'cascade' }),
    /** HMAC-SHA-256 over purpose, challenge, phone and code. */
    codeHash: text('code_hash').notNull(),
    /** Keyed digest of the network that asked for the code (for `delete`: of the user who asked). */
    requester: text().notNull().default(''),
    /** True where the requester's network had proven this number before; see `wrongCode` in auth/limits.ts. */
    isHome: integer('is_home', { mode: 'boolean' }).notNull().default(false),
    /** The password hash that was proven when the code was asked for; worth nothing once another is set. */
    provenHash: text('proven_hash'),
    /** True where a wrong password came with the request for the code, and nobody has been shown that yet. */
    passwordRefused: integer('password_refused', { mode: 'boolean' }).notNull().default(false),
    /** Set before the provider is called and cleared when it surely refused, so that no crash sends twice. */
    deliveryBeganAt: integer('delivery_began_at'),
    tries: integer().notNull().default(0),
    /** Tries reserved out of the number's wrong codes of the day. */
    triesAllowed: integer('tries_allowed').notNull().default(5),
    /** Those of `tries` made from another network without the challenge's id. */
    strayTries: integer('stray_tries').notNull().default(0),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    /** Used, or replaced by a later one of the same requester. */
    endedAt: integer('ended_at'),
  },
  (table) => [
    check('otp_purpose', oneOf(table.purpose, ['login', 'reset', 'delete'])),
    check('otp_tries', sql`${table.tries} BETWEEN 0 AND 5`),
    uniqueIndex('otp_one_open_challenge')
      .on(table.phone, table.purpose, table.requester)
      .where(sql`ended_at IS NULL`),
    index('otp_by_number').on(table.phone, table.purpose, table.createdAt),
    index('otp_by_user').on(table.userId),
    index('otp_expiring').on(table.expiresAt),
  ],
)

/** Counters of fixed windows; a restart forgives nothing. */
export const rateLimits = sqliteTable(
  'rate_limits',
  {
    key: text().primaryKey(),
    count: integer().notNull(),
    resetsAt: integer('resets_at').notNull(),
  },
  (table) => [index('rate_limits_expiring').on(table.resetsAt)],
)

/** Append-only: who, what, when. Never a secret. Triggers refuse UPDATE and DELETE of recent rows. */
export const auditLog = sqliteTable(
  'audit_log',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    at: integer().notNull(),
    event: text().notNull(),
    /** Not a foreign key: the entry outlives the account. */
    userId: text('user_id'),
    actor: text().notNull(),
    requestId: text('request_id'),
    ip: text(),
    detail: text(),
  },
  (table) => [
    index('audit_of_user').on(table.userId, table.at),
    index('audit_by_time').on(table.at),
  ],
)

// ── conversation ────────────────────────────────────────────────────────────────────────────────

export const chatrooms = sqliteTable(
  'chatrooms',
  {
    id: text().primaryKey(),
    /** Null while the room is being erased. */
    userId: text('user_id').references(() => users.id, { onDelete: 'cascade' }),
    title: text().notNull(),
    /** The title without case and diacritics, for the list's search. */
    titleFolded: text('title_folded').notNull(),
    /** Who gave the title; an automatic one never replaces a person's. */
    titleBy: text('title_by', { enum: ['none', 'assistant', 'person'] }).notNull(),
    systemPrompt: text('system_prompt'),
    model: text(),
    /** Rises by one with each message added and each reply that became final: the room's own clock. */
    revision: integer().notNull().default(0),
    /** The place of the first reply that is not final; null when all are. */
    pendingFrom: integer('pending_from'),
    userMessages: integer('user_messages').notNull().default(0),
    assistantMessages: integer('assistant_messages').notNull().default(0),
    /** UTF-8 bytes of its title, system prompt, prompts and final replies. */
    storedBytes: integer('stored_bytes').notNull().default(0),
    lastMessageAt: integer('last_message_at'),
    /** lastMessageAt, or createdAt while the room is empty: the order of the list. */
    activeAt: integer('active_at').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  (table) => [
    check('chatrooms_title_by', oneOf(table.titleBy, ['none', 'assistant', 'person'])),
    index('chatrooms_of_user').on(table.userId, table.activeAt, table.id),
  ],
)

export const messages = sqliteTable(
  'messages',
  {
    /** A rowid of our own: VACUUM may renumber an implicit one, and the search index refers to it. */
    key: integer().primaryKey(),
    id: text().notNull().unique(),
    chatroomId: text('chatroom_id')
      .notNull()
      .references(() => chatrooms.id, { onDelete: 'cascade' }),
    /** The room's revision when the message was added: its place in the room. */
    position: integer().notNull(),
    /** The room's revision when the reply became final; a prompt's position. */
    finalRevision: integer('final_revision'),
    /** The user's id without hyphens, whose end marks each word of the message in the search index. */
    owner: text().notNull(),
    role: text({ enum: ['user', 'assistant'] }).notNull(),
    content: text().notNull(),
    status: text({
      enum: ['queued', 'streaming', 'complete', 'failed', 'blocked', 'cancelled'],
    }).notNull(),
    /** The prompt's id; null for a prompt. */
    replyTo: text('reply_to').references((): AnySQLiteColumn => messages.id, {
      onDelete: 'cascade',
    }),
    version: integer().notNull().default(1),
    /** The job's claim that wrote `content`: a later one starts the text again. */
    attempt: integer().notNull().default(0),
    jobId: integer('job_id'),
    /** The day (of QUOTA_TIMEZONE) this reply was paid on, to give it back to; null when it cost nothing. */
    paidOn: text('paid_on'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    model: text(),
    finishReason: text('finish_reason'),
    promptTokens: integer('prompt_tokens'),
    replyTokens: integer('reply_tokens'),
    /** How many earlier messages the assistant saw. */
    contextMessages: integer('context_messages'),
    /** Characters of the whole request, to learn from `promptTokens` how the room's language counts. */
    contextCharacters: integer('context_characters'),
    createdAt: integer('created_at').notNull(),
    completedAt: integer('completed_at'),
  },
  (table) => [
    check('messages_role', oneOf(table.role, ['user', 'assistant'])),
    check(
      'messages_status',
      oneOf(table.status, ['queued', 'streaming', 'complete', 'failed', 'blocked', 'cancelled']),
    ),
    check(
      'messages_prompt',
      sql`${table.role} = 'assistant' OR (${table.replyTo} IS NULL AND ${table.status} = 'complete')`,
    ),
    check(
      'messages_reply',
      sql`${table.role} = 'user' OR (${table.replyTo} IS NOT NULL AND ${table.replyTo} <> ${table.id})`,
    ),
    check(
      'messages_final',
      sql`(${table.status} IN ('queued', 'streaming')) = (${table.completedAt} IS NULL)`,
    ),
    check(
      'messages_final_revision',
      sql`(${table.completedAt} IS NULL) = (${table.finalRevision} IS NULL)`,
    ),
    check(
      'messages_never_empty',
      sql`${table.status} <> 'complete' OR length(${table.content}) > 0`,
    ),
    check(
      'messages_error',
      sql`(${table.status} IN ('failed', 'blocked')) = (${table.errorCode} IS NOT NULL)`,
    ),
    uniqueIndex('messages_in_order').on(table.chatroomId, table.position),
    uniqueIndex('messages_by_final_revision')
      .on(table.chatroomId, table.finalRevision)
      .where(sql`role = 'assistant' AND final_revision IS NOT NULL`),
    uniqueIndex('messages_one_reply_per_version')
      .on(table.replyTo, table.version)
      .where(sql`reply_to IS NOT NULL`),
  ],
)

/**
 * Final messages that the search index does not hold yet: it takes many at once far more cheaply. Not a foreign
 * key: the trigger that forgets a message asks here whether the index holds it.
 */
export const searchPending = sqliteTable('search_pending', {
  key: integer().primaryKey(),
})

/**
 * A user's messages in the search index, cut by their keys into parts of bounded size: a query is put to one part after
 * the other, the newest first, so that none of its steps takes long. Not a foreign key: `owner` has no hyphens.
 */
export const searchPartitions = sqliteTable(
  'search_partitions',
  {
    owner: text().notNull(),
    /** It reaches to the first key of the next. */
    firstKey: integer('first_key').notNull(),
    /** Stands before each of its terms in the index, behind the mark of the owner. */
    number: integer().notNull(),
    /** How many terms its messages have together. */
    terms: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.owner, table.firstKey] }),
    uniqueIndex('search_partitions_by_number').on(table.owner, table.number),
  ],
)

/** How far the background task has come with what an earlier version of the fold wrote (search/refold.ts). */
export const refolding = sqliteTable('refolding', {
  what: text({ enum: ['messages', 'titles'] }).primaryKey(),
  /** FOLD_VERSION of src/lib/fold.ts that this is for. */
  version: integer().notNull(),
  /** Messages with smaller keys, or rooms with greater ids, are still to be done; null when none is left. */
  place: text(),
})

/**
 * What a number uses now, and what it has used on the day it was used last. One row for all limits of a user, so that
 * accepting a prompt writes one row for them. Keyed by `users.number_digest`, without a foreign key: deleting the account
 * moves the day to `quota_usage`. Its migration adds WITHOUT ROWID, which Drizzle cannot express.
 */
export const numberUsage = sqliteTable(
  'number_usage',
  {
    numberDigest: text('number_digest').primaryKey(),
    /** Of QUOTA_TIMEZONE; `used` and `starts` are of this day. */
    day: text().notNull(),
    /** Prompts charged. */
    used: integer().notNull(),
    /** Calls of the provider, counted when they are promised: a prompt, each retry, a title. Never refunded. */
    starts: integer().notNull(),
    /** When the minute of `minutePrompts` began. */
    minuteAt: integer('minute_at').notNull(),
    minutePrompts: integer('minute_prompts').notNull(),
    /** Replies that are not final. */
    pending: integer().notNull(),
    /** UTF-8 bytes of prompts, final replies, titles and system prompts: the sum over the user's rooms. */
    storedBytes: integer('stored_bytes').notNull(),
  },
  (table) => [
    check(
      'number_usage_counts',
      sql`min(${table.used}, ${table.starts}, ${table.minutePrompts}, ${table.pending}, ${table.storedBytes}) >= 0`,
    ),
  ],
)

/**
 * The days before the one in `number_usage`, and of deleted accounts the day on which they were deleted. A new day is a
 * new row, so no tick can be missed.
 */
export const quotaUsage = sqliteTable(
  'quota_usage',
  {
    numberDigest: text('number_digest').notNull(),
    day: text().notNull(),
    used: integer().notNull(),
    starts: integer().notNull(),
    /** The account is deleted: the row goes as soon as its day is over. */
    accountGone: integer('account_gone', { mode: 'boolean' }).notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.numberDigest, table.day] }),
    check('quota_used', sql`min(${table.used}, ${table.starts}) >= 0`),
    index('quota_usage_by_day').on(table.day),
    index('quota_usage_of_gone').on(table.day).where(sql`account_gone = 1`),
  ],
)

/**
 * The keys of POSTs that created something, for 24 hours. Its migration adds WITHOUT ROWID, which Drizzle cannot express:
 * one tree instead of two, as each prompt adds a row.
 */
export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    /** Not a foreign key, which would look for the user at each prompt; the hourly walk finds those of users who are gone. */
    userId: text('user_id').notNull(),
    key: text().notNull(),
    /** Of method, path and body. */
    fingerprint: text().notNull(),
    /** JSON from which the first answer is told again; null while the first request is still running (it may call Stripe). */
    kept: text(),
    /** A running claim older than this belongs to a process that died. */
    lockedUntil: integer('locked_until'),
    expiresAt: integer('expires_at').notNull(),
  },
  // By key first: keys that grow with time, as UUIDv7, come next to each other.
  (table) => [primaryKey({ columns: [table.key, table.userId] })],
)

/** The minute for which a task of the clock was last run: by one process, where several share the database. */
export const cronSlots = sqliteTable('cron_slots', {
  task: text().primaryKey(),
  /** Minutes since the Unix epoch. */
  slot: integer().notNull(),
})

// ── queue ───────────────────────────────────────────────────────────────────────────────────────

/** The durable queue; see docs/architecture.md for the states. */
export const jobs = sqliteTable(
  'jobs',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    kind: text().notNull(),
    /** At most one job of a concurrency key is ready or running; the others are blocked. */
    concurrencyKey: text('lane'),
    /** Whom the job is for: one owner with many concurrency keys does not starve the others. */
    owner: text(),
    /** The job of the same concurrency key that has to end first, while this one is blocked (`blocked`). */
    blockedBy: integer('behind'),
    state: text({ enum: ['blocked', 'ready', 'running', 'done', 'failed', 'cancelled'] }).notNull(),
    /** Fair-queue rank among the ready jobs of the kind; null while the job is not due. */
    rank: integer('turn'),
    body: text().notNull(),
    dueAt: integer('due_at').notNull(),
    deadlineAt: integer('deadline_at'),
    /** The fencing token: raised by each claim; a worker with an older number has lost the job. */
    attempt: integer('claims').notNull().default(0),
    /** Attempts whose handler surely did nothing: where all are, the job was not started yet. */
    unusedAttempts: integer('unused_claims').notNull().default(0),
    errors: integer().notNull().default(0),
    losses: integer().notNull().default(0),
    leaseUntil: integer('lease_until'),
    stopRequestedAt: integer('stop_requested_at'),
    dedupeKey: text('dedupe_key'),
    lastError: text('last_error'),
    /** W3C traceparent of the request that enqueued it. */
    trace: text(),
    createdAt: integer('created_at').notNull(),
    startedAt: integer('started_at'),
    endedAt: integer('ended_at'),
  },
  (table) => [
    check(
      'jobs_state',
      oneOf(table.state, ['blocked', 'ready', 'running', 'done', 'failed', 'cancelled']),
    ),
    check('jobs_lease', sql`(${table.state} = 'running') = (${table.leaseUntil} IS NOT NULL)`),
    check(
      'jobs_ended',
      sql`${oneOf(table.state, ['done', 'failed', 'cancelled'])} = (${table.endedAt} IS NOT NULL)`,
    ),
    check('jobs_blocked', sql`(${table.state} = 'blocked') = (${table.blockedBy} IS NOT NULL)`),
    check('jobs_in_lane', sql`${table.blockedBy} IS NULL OR ${table.concurrencyKey} IS NOT NULL`),
    uniqueIndex('jobs_one_active_per_lane')
      .on(table.concurrencyKey)
      .where(sql`state IN ('ready', 'running')`),
    // A job blocks one other, so that a concurrency key has one order. The index grows at its end, whatever keys are busy.
    uniqueIndex('jobs_behind').on(table.blockedBy).where(sql`state = 'blocked'`),
    index('jobs_turn')
      .on(table.kind, table.rank, table.id, table.dueAt)
      .where(sql`state = 'ready'`),
    index('jobs_turn_of_owner').on(table.kind, table.owner, table.rank).where(sql`state = 'ready'`),
    index('jobs_due').on(table.kind, table.dueAt).where(sql`state = 'ready' AND turn IS NULL`),
    index('jobs_deadline')
      .on(table.deadlineAt)
      .where(sql`state = 'ready' AND deadline_at IS NOT NULL`),
    index('jobs_leased').on(table.leaseUntil).where(sql`state = 'running'`),
    index('jobs_stopping')
      .on(table.id)
      .where(sql`state = 'running' AND stop_requested_at IS NOT NULL`),
    index('jobs_ended_at')
      .on(table.endedAt, table.kind, table.state)
      .where(sql`ended_at IS NOT NULL`),
    uniqueIndex('jobs_dedupe')
      .on(table.dedupeKey)
      .where(sql`dedupe_key IS NOT NULL AND ended_at IS NULL`),
  ],
)

/**
 * The last blocked job of each concurrency key that has one: a newcomer waits for it. Its migration adds WITHOUT ROWID,
 * which Drizzle cannot express.
 */
export const concurrencyKeys = sqliteTable('job_lanes', {
  key: text('lane').primaryKey(),
  lastBlocked: integer('last').notNull(),
})

/** The fair-queue rank that was served last, by kind: a newcomer's rank is higher. */
export const servedRanks = sqliteTable('job_turns', {
  kind: text().primaryKey(),
  rank: integer('served').notNull(),
})

/** The token bucket of a provider, shared by every job that calls it. */
export const providers = sqliteTable('providers', {
  name: text().primaryKey(),
  /** Theoretical arrival time of the next call (GCRA), milliseconds. */
  nextCallAt: integer('next_call_at').notNull().default(0),
})

/** Models that a provider does not serve for a time; one without a name holds the whole provider (a refused key). */
export const providerPauses = sqliteTable(
  'provider_pauses',
  {
    provider: text().notNull(),
    model: text().notNull(),
    /** Digest of the key and the address: a pause says nothing about another key. */
    account: text().notNull(),
    reason: text({ enum: ['limited', 'exhausted', 'key'] }).notNull(),
    /** The quota that was exceeded, as the provider names it. */
    quotaId: text('quota_id'),
    since: integer().notNull(),
    until: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.provider, table.model] }),
    check('provider_pauses_reason', oneOf(table.reason, ['limited', 'exhausted', 'key'])),
    check('provider_pauses_key', sql`(${table.reason} = 'key') = (${table.model} = '')`),
  ],
)

// ── billing: a mirror of Stripe ─────────────────────────────────────────────────────────────────

export const billingCustomers = sqliteTable(
  'billing_customers',
  {
    id: text().primaryKey(),
    /** Null once the account is deleted: the amounts stay, the person goes. */
    userId: text('user_id').references(() => users.id, { onDelete: 'set null' }),
    livemode: integer({ mode: 'boolean' }).notNull(),
    createdAt: integer('created_at').notNull(),
    /** When the last read that was applied began: an older one is refused. */
    syncedAt: integer('synced_at'),
    /** Seen to be deleted at Stripe; the user may have another. */
    goneAt: integer('gone_at'),
    /** The last page of the customer portal, given again until `portal_until`. */
    portalUrl: text('portal_url'),
    portalUntil: integer('portal_until'),
  },
  (table) => [
    uniqueIndex('billing_customers_of_user')
      .on(table.userId, table.livemode)
      .where(sql`gone_at IS NULL`),
    // For the export, and for the end of an account, which looks for what refers to it.
    index('billing_customers_by_user').on(table.userId, table.id),
  ],
)

export const subscriptions = sqliteTable(
  'subscriptions',
  {
    id: text().primaryKey(),
    customerId: text('customer_id')
      .notNull()
      .references(() => billingCustomers.id, { onDelete: 'cascade' }),
    status: text().notNull(),
    priceId: text('price_id'),
    periodStart: integer('period_start'),
    periodEnd: integer('period_end'),
    cancelAtPeriodEnd: integer('cancel_at_period_end', { mode: 'boolean' }).notNull(),
    paused: integer({ mode: 'boolean' }).notNull(),
    pastDueSince: integer('past_due_since'),
    createdAt: integer('created_at').notNull(),
    syncedAt: integer('synced_at').notNull(),
  },
  (table) => [index('subscriptions_of_customer').on(table.customerId, table.status)],
)

export const checkoutSessions = sqliteTable(
  'checkout_sessions',
  {
    id: text().primaryKey(),
    customerId: text('customer_id')
      .notNull()
      .references(() => billingCustomers.id, { onDelete: 'cascade' }),
    url: text().notNull(),
    status: text({ enum: ['open', 'complete', 'expired'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
  },
  (table) => [
    check('checkout_status', oneOf(table.status, ['open', 'complete', 'expired'])),
    index('checkout_sessions_of_customer').on(table.customerId, table.createdAt),
  ],
)

/**
 * A creating call to Stripe whose answer we do not have yet, with the idempotency key it is repeated under,
 * so that a lost answer makes nothing twice. Also, under the scope `flight:<user>`, that calls run for a user now.
 */
export const stripeAttempts = sqliteTable(
  'stripe_attempts',
  {
    scope: text().primaryKey(),
    key: text().notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [index('stripe_attempts_by_time').on(table.createdAt)],
)

/** Up to which instant Stripe's own list of events was read, for each mode. */
export const stripeCursors = sqliteTable('stripe_cursors', {
  livemode: integer({ mode: 'boolean' }).primaryKey(),
  eventsUntil: integer('events_until').notNull(),
})

/** Every event Stripe delivered, once. */
export const stripeEvents = sqliteTable(
  'stripe_events',
  {
    id: text().primaryKey(),
    type: text().notNull(),
    customerId: text('customer_id'),
    state: text({ enum: ['queued', 'ignored'] }).notNull(),
    createdAt: integer('created_at').notNull(),
    receivedAt: integer('received_at').notNull(),
  },
  (table) => [
    check('stripe_events_state', oneOf(table.state, ['queued', 'ignored'])),
    index('stripe_events_by_time').on(table.receivedAt),
  ],
)
