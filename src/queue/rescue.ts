import { type Command, command } from '#src/database/command.ts'
import { type JobKinds, promote, runEnded } from './end.ts'
import { JOB_READY } from './enqueue.ts'
import type { JobEnd } from './job.ts'
import type { JobRow } from './row.ts'
import { END_CLAIM, EXPIRED, RESCUE } from './sql.ts'

/** A job whose worker died this often fails: a poison prompt must not kill the server for ever. */
export const MAX_LOSSES = 3

export interface RescueInput {
  now: number
  /** Leases that end at or before this instant are over: now, or for ever at the start of the only server. */
  leasesUntil: number
}

/** Takes back the jobs whose worker stopped extending the lease; gives their number. */
export function createRescue(kinds: JobKinds): Command<RescueInput, number> {
  return command('queue.rescue', ({ sqlite }) => {
    const expired = sqlite.query<JobRow, [number]>(EXPIRED)
    const rescue = sqlite.query<unknown, [Record<string, number>]>(RESCUE)
    const endClaim = sqlite.query<unknown, [Record<string, string | number | null>]>(END_CLAIM)
    return (tx, { now, leasesUntil }) => {
      const rows = expired.all(leasesUntil)
      for (const row of rows) {
        const { id, claims } = row
        const end = verdict(row, now)
        if (end) {
          endClaim.run({ id, claims, state: end.state, now, error: `${end.code}: ${end.message}` })
          runEnded(tx, kinds, row, end)
          tx.run(promote, { lane: row.lane, now })
        } else {
          rescue.run({ id, claims, now })
          tx.notify(JOB_READY, row.kind)
        }
      }
      return rows.length
    }
  })
}

function verdict(row: JobRow, now: number): JobEnd | undefined {
  if (row.stop_requested_at !== null) {
    return { state: 'cancelled', cause: 'stop', code: 'cancelled', message: 'stopped on request' }
  }
  if (row.losses + 1 >= MAX_LOSSES) {
    return {
      state: 'failed',
      cause: 'lost',
      code: 'worker-lost',
      message: `lost its worker ${MAX_LOSSES} times`,
    }
  }
  if (row.deadline_at !== null && row.deadline_at <= now) {
    return {
      state: 'failed',
      cause: 'deadline',
      code: 'deadline',
      message: 'not done before its deadline',
    }
  }
  return undefined
}
