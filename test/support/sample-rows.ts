import { Database as Sqlite } from 'bun:sqlite'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { lazy } from '#src/lib/lazy.ts'

export type Row = Record<string, string | number | null>

/**
 * The n-th row of each table, parents first: it differs from the others in every column that some constraint keeps
 * apart, and belongs to the n-th parent. Only columns without a default that must be given, or that a constraint names.
 */
export const samples: Record<string, (n: number) => Row> = {
  users: (n) => ({ id: `u${n}`, phone: `+1${n}`, created_at: 0, updated_at: 0 }),
  sessions: (n) => ({
    id: `s${n}`,
    user_id: `u${n}`,
    created_at: 0,
    last_used_at: 0,
    expires_at: 9,
  }),
  refresh_tokens: (n) => ({ hash: `h${n}`, session_id: `s${n}`, created_at: 0 }),
  otp_challenges: (n) => ({
    id: `o${n}`,
    phone: `+1${n}`,
    purpose: 'login',
    user_id: `u${n}`,
    code_hash: 'c',
    requester: `r${n}`,
    created_at: 0,
    expires_at: 9,
  }),
  erasures: (n) => ({ id: `e${n}`, kind: 'user', requested_at: 0 }),
  cron_slots: (n) => ({ task: `t${n}`, slot: 1 }),
  rate_limits: (n) => ({ key: `k${n}`, count: 1, resets_at: 9 }),
  audit_log: (n) => ({ id: n, at: 0, event: 'e', actor: 'operator' }),
  chatrooms: (n) => ({
    id: `c${n}`,
    user_id: `u${n}`,
    title: '',
    title_folded: '',
    title_by: 'none',
    active_at: 0,
    created_at: 0,
    updated_at: 0,
  }),
  messages: (n) => ({
    key: n,
    id: `m${n}`,
    chatroom_id: `c${n}`,
    position: n,
    final_revision: n,
    owner: 'o',
    role: 'user',
    content: 'x',
    status: 'complete',
    reply_to: null,
    version: 1,
    created_at: 0,
    completed_at: 0,
  }),
  search_pending: (n) => ({ key: n }),
  search_partitions: (n) => ({ owner: `o${n}`, first_key: n, number: n, terms: 1 }),
  refolding: (n) => ({ what: `w${n}`, version: 1 }),
  number_usage: (n) => ({
    number_digest: `d${n}`,
    day: '2026-11-01',
    used: 1,
    starts: 1,
    minute_at: 0,
    minute_prompts: 1,
    pending: 1,
    stored_bytes: 1,
  }),
  quota_usage: (n) => ({ number_digest: `d${n}`, day: `2026-11-0${n}`, used: 1, starts: 1 }),
  idempotency_keys: (n) => ({ user_id: `u${n}`, key: `k${n}`, fingerprint: 'f', expires_at: 9 }),
  jobs: (n) => ({
    id: n,
    kind: 'k',
    lane: `l${n}`,
    state: 'ready',
    body: '{}',
    due_at: 0,
    dedupe_key: `d${n}`,
    created_at: 0,
  }),
  job_lanes: (n) => ({ lane: `l${n}`, last: n }),
  job_turns: (n) => ({ kind: `k${n}`, served: 0 }),
  providers: (n) => ({ name: `p${n}` }),
  provider_pauses: (n) => ({
    provider: `p${n}`,
    model: `m${n}`,
    account: 'a',
    reason: 'limited',
    since: 0,
    until: 9,
  }),
  billing_customers: (n) => ({ id: `cus${n}`, user_id: `u${n}`, livemode: n % 2, created_at: 0 }),
  subscriptions: (n) => ({
    id: `sub${n}`,
    customer_id: `cus${n}`,
    status: 'active',
    cancel_at_period_end: 0,
    paused: 0,
    created_at: 0,
    synced_at: 0,
  }),
  checkout_sessions: (n) => ({
    id: `cs${n}`,
    customer_id: `cus${n}`,
    url: 'https://x',
    status: 'open',
    created_at: 0,
    expires_at: 9,
  }),
  stripe_attempts: (n) => ({ scope: `a${n}`, key: 'k', created_at: 0 }),
  stripe_cursors: (n) => ({ livemode: n % 2, events_until: 0 }),
  stripe_events: (n) => ({
    id: `e${n}`,
    type: 't',
    state: 'queued',
    created_at: 0,
    received_at: 0,
  }),
}

/** An empty database with the whole schema. */
export function migrated(): Sqlite {
  const sqlite = new Sqlite(':memory:', { strict: true })
  sqlite.run('PRAGMA foreign_keys = ON')
  migrate(sqlite, { now: 0 })
  return sqlite
}

const template = lazy(() => {
  const sqlite = migrated()
  for (const [table, sample] of Object.entries(samples)) insert(sqlite, table, sample(1))
  return sqlite.serialize()
})

/** A database with the first row of every table. */
export function filled(): Sqlite {
  const sqlite = Sqlite.deserialize(template(), { strict: true })
  sqlite.run('PRAGMA foreign_keys = ON')
  return sqlite
}

/** Names only the columns given. */
export function insert(sqlite: Sqlite, table: string, row: Row): void {
  const names = Object.keys(row)
  sqlite
    .query(
      `INSERT INTO ${table} (${names.join()}) VALUES (${names.map((name) => `$${name}`).join()})`,
    )
    .run(row)
}

/** The second row of a table with its parents, changed; those it belongs to are there. */
export function insertSecond(sqlite: Sqlite, table: string, change: Row): void {
  for (const [parent, sample] of Object.entries(samples)) {
    if (parent === table) break
    insert(sqlite, parent, sample(2))
  }
  insert(sqlite, table, { ...samples[table]?.(2), ...change })
}
