import type { Row } from './sample-rows.ts'

/** Of a message that is a reply. */
export const reply: Row = { role: 'assistant', reply_to: 'm1' }
const pending: Row = {
  ...reply,
  status: 'queued',
  content: '',
  final_revision: null,
  completed_at: null,
}

interface Unique {
  table: string
  columns: string[]
  /** The condition of a partial index. */
  where?: string
  /** Columns that bring a row into a partial index. */
  within?: Row
  /** Further columns of the second row, which another constraint asks for. */
  second?: Row
  /** Other ways for the second row to be in a partial index. */
  alsoWithin?: Row[]
  /** Takes the second row out of a partial index again. */
  outside?: Row
}

/** What each UNIQUE index keeps apart. */
export const uniques: Record<string, Unique> = {
  'users(phone)': { table: 'users', columns: ['phone'] },
  otp_one_open_challenge: {
    table: 'otp_challenges',
    columns: ['phone', 'purpose', 'requester'],
    where: 'ended_at IS NULL',
    outside: { ended_at: 5 },
  },
  search_partitions_by_number: { table: 'search_partitions', columns: ['owner', 'number'] },
  'messages(id)': { table: 'messages', columns: ['id'] },
  messages_in_order: { table: 'messages', columns: ['chatroom_id', 'position'] },
  messages_by_final_revision: {
    table: 'messages',
    columns: ['chatroom_id', 'final_revision'],
    where: "role = 'assistant' AND final_revision IS NOT NULL",
    within: reply,
    second: { version: 2 },
    outside: { role: 'user', reply_to: null },
  },
  messages_one_reply_per_version: {
    table: 'messages',
    columns: ['reply_to', 'version'],
    where: 'reply_to IS NOT NULL',
    within: pending,
  },
  jobs_one_active_per_lane: {
    table: 'jobs',
    columns: ['lane'],
    where: "state IN ('ready', 'running')",
    alsoWithin: [{ state: 'running', lease_until: 9 }],
    outside: { state: 'blocked', behind: 1 },
  },
  jobs_behind: {
    table: 'jobs',
    columns: ['behind'],
    where: "state = 'blocked'",
    within: { state: 'blocked', behind: 9 },
  },
  jobs_dedupe: {
    table: 'jobs',
    columns: ['dedupe_key'],
    where: 'dedupe_key IS NOT NULL AND ended_at IS NULL',
    outside: { state: 'done', ended_at: 5 },
  },
  billing_customers_of_user: {
    table: 'billing_customers',
    columns: ['user_id', 'livemode'],
    where: 'gone_at IS NULL',
    outside: { gone_at: 5 },
  },
}

/** Of each CHECK the rows that break it and it alone, and the rows at its border that it takes. */
export const checks: Record<string, { table: string; bad: Row[]; good: Row[] }> = {
  users_tier_override: {
    table: 'users',
    bad: [{ tier_override: 'gold' }, { tier_override: '' }],
    good: [{ tier_override: null }, { tier_override: 'basic' }, { tier_override: 'pro' }],
  },
  erasures_kind: {
    table: 'erasures',
    bad: [{ kind: 'message' }],
    good: [{ kind: 'user' }, { kind: 'room' }],
  },
  otp_purpose: {
    table: 'otp_challenges',
    bad: [{ purpose: 'other' }],
    good: ['login', 'reset', 'delete'].map((purpose) => ({ purpose })),
  },
  otp_tries: {
    table: 'otp_challenges',
    bad: [{ tries: -1 }, { tries: 6 }],
    good: [{ tries: 0 }, { tries: 5 }],
  },
  chatrooms_title_by: {
    table: 'chatrooms',
    bad: [{ title_by: 'other' }],
    good: ['none', 'assistant', 'person'].map((title_by) => ({ title_by })),
  },
  messages_role: { table: 'messages', bad: [{ ...reply, role: 'system' }], good: [reply] },
  messages_status: {
    table: 'messages',
    bad: [{ ...reply, status: 'lost' }],
    good: [
      pending,
      { ...pending, status: 'streaming' },
      { ...reply, status: 'complete' },
      { ...reply, status: 'cancelled' },
      { ...reply, status: 'failed', error_code: 'e' },
      { ...reply, status: 'blocked', error_code: 'e' },
    ],
  },
  messages_prompt: {
    table: 'messages',
    bad: [
      { role: 'user', reply_to: 'm1' },
      { role: 'user', status: 'cancelled' },
    ],
    good: [{ role: 'user', reply_to: null }],
  },
  messages_reply: {
    table: 'messages',
    bad: [
      { ...reply, reply_to: null },
      { ...reply, reply_to: 'm2' },
    ],
    good: [reply],
  },
  messages_final: {
    table: 'messages',
    bad: [
      { ...pending, final_revision: 2, completed_at: 1 },
      { ...pending, status: 'streaming', final_revision: 2, completed_at: 1 },
      { ...pending, status: 'cancelled' },
    ],
    good: [pending],
  },
  messages_final_revision: {
    table: 'messages',
    bad: [
      { ...reply, final_revision: null },
      { ...pending, final_revision: 2 },
    ],
    good: [pending, reply],
  },
  messages_never_empty: {
    table: 'messages',
    bad: [{ content: '' }, { ...reply, content: '' }],
    good: [pending, { ...reply, status: 'cancelled', content: '' }],
  },
  messages_error: {
    table: 'messages',
    bad: [
      { ...reply, status: 'failed' },
      { ...reply, status: 'blocked' },
      { ...reply, error_code: 'e' },
      { ...pending, error_code: 'e' },
    ],
    good: [{ ...reply, status: 'failed', error_code: 'e' }],
  },
  provider_pauses_reason: {
    table: 'provider_pauses',
    bad: [{ reason: 'other' }],
    good: [{ reason: 'limited' }, { reason: 'exhausted' }],
  },
  provider_pauses_key: {
    table: 'provider_pauses',
    bad: [{ reason: 'key' }, { reason: 'limited', model: '' }],
    good: [{ reason: 'key', model: '' }],
  },
  quota_used: {
    table: 'quota_usage',
    bad: [{ used: -1 }, { starts: -1 }],
    good: [{ used: 0, starts: 0 }],
  },
  number_usage_counts: {
    table: 'number_usage',
    bad: [
      { used: -1 },
      { starts: -1 },
      { minute_prompts: -1 },
      { pending: -1 },
      { stored_bytes: -1 },
    ],
    good: [{ used: 0, starts: 0, minute_prompts: 0, pending: 0, stored_bytes: 0 }],
  },
  jobs_state: {
    table: 'jobs',
    bad: [{ state: 'lost' }],
    good: [
      { state: 'ready' },
      { state: 'running', lease_until: 9 },
      { state: 'blocked', behind: 9 },
      { state: 'done', ended_at: 9 },
      { state: 'failed', ended_at: 9 },
      { state: 'cancelled', ended_at: 9 },
    ],
  },
  jobs_lease: {
    table: 'jobs',
    bad: [{ state: 'running' }, { state: 'ready', lease_until: 9 }],
    good: [{ state: 'running', lease_until: 9 }],
  },
  jobs_ended: {
    table: 'jobs',
    bad: [
      { state: 'done' },
      { state: 'failed' },
      { state: 'cancelled' },
      { state: 'ready', ended_at: 9 },
    ],
    good: [{ state: 'done', ended_at: 9 }],
  },
  jobs_blocked: {
    table: 'jobs',
    bad: [{ state: 'blocked' }, { state: 'ready', behind: 9 }],
    good: [{ state: 'blocked', behind: 9 }],
  },
  jobs_in_lane: {
    table: 'jobs',
    bad: [{ state: 'blocked', behind: 9, lane: null }],
    good: [{ lane: null }],
  },
  checkout_status: {
    table: 'checkout_sessions',
    bad: [{ status: 'other' }],
    good: ['open', 'complete', 'expired'].map((status) => ({ status })),
  },
  stripe_events_state: {
    table: 'stripe_events',
    bad: [{ state: 'other' }],
    good: [{ state: 'queued' }, { state: 'ignored' }],
  },
}
