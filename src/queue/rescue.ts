import { type Command, syncCommand } from '#src/database/command.ts'
import { type JobKinds, OVERTIME, promote, runBeforeRetry, runEnded, STOPPED } from './end.ts'
import { JOB_READY } from './enqueue.ts'
import type { JobEnd } from './job.ts'
import type { JobRow } from './row.ts'
import { BY_ID, END_CLAIM, RESCUE } from './sql.ts'

/** A job whose worker died this often fails: a poison prompt must not kill the server for ever. */
export const MAX_LOSSES = 3

export interface RescueInput {
  id: number
  now: number
  /** Leases that end at or before this instant are over: now, or for ever at the start of the only server. */
  leasesUntil: number
}

/**
 * Takes one job back whose worker stopped extending the lease; false where it was extended meanwhile. One
 * job a command, so that one whose `ended` throws cannot hold up the others.
 */
export function createRescue(kinds: JobKinds): Command<RescueInput, boolean> {
  return syncCommand('queue.rescue', ({ sqlite }) => {
    const byId = sqlite.query<JobRow, [number]>(BY_ID)
    const rescue = sqlite.query<unknown, [Record<string, string | number | null>]>(RESCUE)
    const endClaim = sqlite.query<unknown, [Record<string, string | number | null>]>(END_CLAIM)
    return (tx, { id, now, leasesUntil }) => {
      const row = byId.get(id)
      if (!row || row.lease_until === null || row.lease_until > leasesUntil) return false
      const { claims } = row
      const end = verdict(row, now) ?? runBeforeRetry(tx, kinds, row)
      if (end) {
        const error = `${end.code}: ${end.message}`
        endClaim.run({ id, claims, state: end.state, now, error, losses: 1 })
        runEnded(tx, kinds, row, end)
        tx.run(promote, { id, lane: row.lane, now })
      } else {
        rescue.run({ id, claims, now })
        tx.notify(JOB_READY, row.kind)
      }
      return true
    }
  })
}

function verdict(row: JobRow, now: number): JobEnd | undefined {
  if (row.stop_requested_at !== null) return STOPPED
  if (row.losses + 1 >= MAX_LOSSES) {
    return {
      state: 'failed',
      cause: 'lost',
      code: 'worker-lost',
      message: `lost its worker ${MAX_LOSSES} times`,
    }
  }
  if (row.deadline_at !== null && row.deadline_at <= now) return OVERTIME
  return undefined
}
