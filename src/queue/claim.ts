import { syncCommand } from '#src/database/command.ts'
import { type ProviderLimit, prepareLimits } from './provider.ts'
import type { JobRow } from './row.ts'
import { CLAIM, NEXT_DUE, RIPE, RIPEN, SERVED } from './sql.ts'

interface ClaimInput {
  kind: string
  limit: number
  leaseMs: number
  now: number
  /** Whose pause and bucket hold the claim back. */
  provider?: ProviderLimit | undefined
}

export interface Claimed {
  rows: JobRow[]
  /** When a claim may find more than now, with no wake-up to tell of it; null where nothing waits for time. */
  retryAt: number | null
}

/** Takes up to `limit` jobs of a kind whose turn it is, with a lease of `leaseMs`. */
export const claim = syncCommand('queue.claim', (connection) => {
  const { sqlite } = connection
  const ripe = sqlite.query<{ id: number }, [string, number]>(RIPE)
  const ripen = sqlite.query<unknown, [number]>(RIPEN)
  const take = sqlite.query<JobRow, [Record<string, string | number>]>(CLAIM)
  const served = sqlite.query<unknown, [{ kind: string; turn: number }]>(SERVED)
  const nextDue = sqlite.query<{ dueAt: number | null }, [string]>(NEXT_DUE)
  const limits = prepareLimits(connection)
  return (_tx, { kind, limit, leaseMs, now, provider }: ClaimInput): Claimed => {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`Cannot claim ${limit} jobs: 'limit' must be a positive integer`)
    }
    for (const { id } of ripe.all(kind, now)) ripen.run(id)
    const free = provider ? limits.free(provider, now) : { slots: limit, retryAt: now }
    if (free.slots < 1) return { rows: [], retryAt: free.retryAt }
    const rows = take.all({
      kind,
      limit: Math.min(limit, free.slots),
      now,
      leaseUntil: now + leaseMs,
    })
    if (provider) limits.charge(provider, rows.length, now)
    const turn = rows.reduce((last, row) => Math.max(last, row.turn ?? 0), -1)
    if (turn >= 0) served.run({ kind, turn })
    const dueAt = nextDue.get(kind)?.dueAt ?? null
    const more = free.slots < limit && rows.length === free.slots ? free.retryAt : null
    return { rows, retryAt: earlier(dueAt, more) }
  }
})

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.min(one, other)
}
