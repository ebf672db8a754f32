import { type JobOutcome, noMeters } from '#src/lib/meters.ts'
import { traceIdOf } from '#src/lib/trace.ts'
import type { WorkerDeps } from './deps.ts'
import type { Finish } from './finish.ts'
import type { JobRow } from './row.ts'

/** A job as each of its log lines names it; its trace is that of the request that caused it. */
export function named(row: JobRow) {
  return { job: row.id, kind: row.kind, claims: row.claims, traceId: traceIdOf(row.trace) }
}

/** Tells the meters of a claim, and both them and the log of its end. */
export function tellStart(deps: WorkerDeps, row: JobRow): (outcome: JobOutcome) => void {
  const { clock, log, meters = noMeters } = deps
  const startedAt = clock.now()
  const waitMs = startedAt - row.due_at
  meters.jobStarted(row.kind, waitMs)
  return (outcome) => {
    const ms = clock.now() - startedAt
    meters.jobEnded(row.kind, outcome, ms)
    log.info({ ...named(row), outcome, ms, waitMs }, 'job')
  }
}

export function outcomeOf(finish: Finish): JobOutcome {
  if (finish.as === 'ended') return finish.end.state
  return finish.as
}
