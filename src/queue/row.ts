import type { Job, JobState } from './job.ts'

/** A row of `jobs` as SQLite gives it. */
export interface JobRow {
  id: number
  kind: string
  lane: string | null
  owner: string | null
  behind: number | null
  state: JobState
  turn: number | null
  body: string
  due_at: number
  deadline_at: number | null
  claims: number
  unused_claims: number
  errors: number
  losses: number
  lease_until: number | null
  stop_requested_at: number | null
  dedupe_key: string | null
  last_error: string | null
  trace: string | null
  created_at: number
  started_at: number | null
  ended_at: number | null
}

export function toJob<B>(row: JobRow, parse: (body: unknown) => B): Job<B> {
  return {
    id: row.id,
    kind: row.kind,
    lane: row.lane,
    owner: row.owner,
    body: parse(JSON.parse(row.body)),
    claims: row.claims,
    errors: row.errors,
    trace: row.trace,
    createdAt: row.created_at,
  }
}
