import { type Command, command } from '#src/database/steps.ts'
import { JOB_READY, unblockNext } from './enqueue.ts'
import { askBeforeRetry, type JobKinds, OVERTIME, runEnded, STOPPED } from './finish.ts'
import type { JobEnd, JobRow } from './job.ts'
import { endAttempt, extendLease, findJob, recoverJob } from './statements.ts'
import { setBackJobs, setBackPauses, setBackProviders } from './upkeep-statements.ts'

/** A job whose worker died this often fails: a poison prompt must not kill the server for ever. */
export const MAX_LOSSES = 3

export interface RecoverInput {
  id: number
  now: number
  /** Leases that end at or before this instant are over: now, or for ever at the start of the only server. */
  leasesUntil: number
}

/**
 * Recovers one job whose worker stopped extending the lease; false where it was extended meanwhile. One job a command, so
 * that one whose `ended` throws cannot hold up the others.
 */
export function createRecover(kinds: JobKinds): Command<RecoverInput, boolean> {
  return command('queue.recover', function* (tx, { id, now, leasesUntil }) {
    const row = yield* tx.first(findJob, { id })
    if (!row || row.leaseUntil === null || row.leaseUntil > leasesUntil) return false
    const { attempt } = row
    const end = verdict(row, now) ?? (yield* askBeforeRetry(tx, kinds, row))
    if (end) {
      const error = `${end.code}: ${end.message}`
      yield* tx.run(endAttempt, { id, attempt, state: end.state, now, error, losses: 1 })
      yield* runEnded(tx, kinds, row, end)
      yield* unblockNext(tx, { ...row, now })
    } else {
      yield* tx.run(recoverJob, { id, attempt, now })
      tx.notify(JOB_READY, row.kind)
    }
    return true
  })
}

function verdict(row: JobRow, now: number): JobEnd | undefined {
  if (row.stopRequestedAt !== null) return STOPPED
  if (row.losses + 1 >= MAX_LOSSES) {
    return {
      state: 'failed',
      cause: 'lost',
      code: 'worker-lost',
      message: `lost its worker ${MAX_LOSSES} times`,
    }
  }
  if (row.deadlineAt !== null && row.deadlineAt <= now) return OVERTIME
  return undefined
}

export interface Attempt {
  id: number
  attempt: number
}

export type Heartbeat = 'kept' | 'stop' | 'lost'

/** Extends the leases of attempts, and says of each whether it was kept, is to stop, or was lost. */
export const heartbeat = command(
  'queue.heartbeat',
  function* (tx, input: { attempts: Attempt[]; leaseUntil: number }) {
    const beats: Heartbeat[] = []
    for (const { id, attempt } of input.attempts) {
      const row = yield* tx.first(extendLease, { id, attempt, leaseUntil: input.leaseUntil })
      beats.push(!row ? 'lost' : row.stopRequestedAt === null ? 'kept' : 'stop')
    }
    return beats
  },
)

/**
 * The clock was set back: what waits for an instant would wait that much longer, and a provider's pause of
 * a second would last an hour. Moves those instants back too. A day is a row of its own, so quotas need nothing.
 */
export const setBack = command(
  'queue.set-back',
  function* (tx, input: { byMs: number; now: number }) {
    yield* tx.run(setBackJobs, input)
    yield* tx.run(setBackProviders, input)
    yield* tx.run(setBackPauses, input)
  },
)
