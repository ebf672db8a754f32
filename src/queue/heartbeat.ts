import { syncCommand } from '#src/database/command.ts'
import { HEARTBEAT } from './sql.ts'

export interface Claim {
  id: number
  claims: number
}

export type Beat = 'kept' | 'stop' | 'lost'

/** Extends the leases of the claims and tells of each whether it was kept, is to stop, or was lost. */
export const heartbeat = syncCommand('queue.heartbeat', ({ sqlite }) => {
  const extend = sqlite.query<{ stop_requested_at: number | null }, [Record<string, number>]>(
    HEARTBEAT,
  )
  return (_tx, input: { claims: Claim[]; leaseUntil: number }): Beat[] =>
    input.claims.map(({ id, claims }) => {
      const row = extend.get({ id, claims, leaseUntil: input.leaseUntil })
      if (!row) return 'lost'
      return row.stop_requested_at === null ? 'kept' : 'stop'
    })
})
