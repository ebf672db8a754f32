import { command, type Steps } from '#src/database/steps.ts'
import type { JobRow, ProviderLimit } from './job.ts'
import { findNextDue, listDue, rankJob, storeServedRank } from './order-statements.ts'
import { chargeCalls, freeCalls } from './provider-limits.ts'
import { claimJobs } from './statements.ts'

export interface ClaimInput {
  kind: string
  limit: number
  leaseMs: number
  now: number
  /** Whose pause and bucket hold the claim back. */
  provider?: ProviderLimit | undefined
}

export interface Claimed {
  rows: JobRow[]
  /** When a claim may find more than now, with no wake-up to say so; null where no job waits for an instant. */
  retryAt: number | null
}

/** Takes up to `limit` due jobs of a kind in the order of their ranks, with a lease of `leaseMs`. */
export const claim = command('queue.claim', function* (tx, input: ClaimInput): Steps<Claimed> {
  const { kind, limit, leaseMs, now, provider } = input
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RangeError(`Cannot claim ${limit} jobs: 'limit' must be a positive integer`)
  }
  for (const { id } of yield* tx.all(listDue, { kind, now })) yield* tx.run(rankJob, { id })
  const free = provider ? yield* freeCalls(tx, provider, now) : { calls: limit, retryAt: now }
  if (free.calls < 1) return { rows: [], retryAt: free.retryAt }
  const rows = yield* tx.all(claimJobs, {
    kind,
    limit: Math.min(limit, free.calls),
    now,
    leaseUntil: now + leaseMs,
  })
  if (provider) yield* chargeCalls(tx, provider, rows.length, now)
  const rank = rows.reduce((last, row) => Math.max(last, row.rank ?? 0), -1)
  if (rank >= 0) yield* tx.run(storeServedRank, { kind, rank })
  const dueAt = (yield* tx.first(findNextDue, { kind }))?.dueAt ?? null
  const more = free.calls < limit && rows.length === free.calls ? free.retryAt : null
  return { rows, retryAt: earlier(dueAt, more) }
})

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.min(one, other)
}
