import { command } from '#src/database/command.ts'
import type { JobRow } from './row.ts'
import { CLAIM, RIPE, RIPEN } from './sql.ts'

interface ClaimInput {
  kind: string
  limit: number
  leaseMs: number
  now: number
}

/** Takes up to `limit` jobs of a kind whose turn it is, with a lease of `leaseMs`. */
export const claim = command('queue.claim', ({ sqlite }) => {
  const ripe = sqlite.query<{ id: number }, [number]>(RIPE)
  const ripen = sqlite.query<unknown, [number]>(RIPEN)
  const take = sqlite.query<JobRow, [Record<string, string | number>]>(CLAIM)
  return (_tx, { kind, limit, leaseMs, now }: ClaimInput): JobRow[] => {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`Cannot claim ${limit} jobs: 'limit' must be a positive integer`)
    }
    for (const { id } of ripe.all(now)) ripen.run(id)
    return take.all({ kind, limit, now, leaseUntil: now + leaseMs })
  }
})
