import type { WorkerDeps } from './deps.ts'
import { type Claim, heartbeat } from './heartbeat.ts'
import type { AbortCause, JobKind } from './job.ts'
import type { JobRow } from './row.ts'
import { runClaim } from './run.ts'

interface Running {
  row: JobRow
  controller: AbortController
}

/** The claims a worker holds: each runs its handler until that ends, is stopped, or is given up. */
export interface Held {
  readonly size: number
  /** How many handlers of a kind run; one whose end is being written does not any more. */
  of(kind: string): number
  /** Runs the handler of a claim; `over` is called when it is, `ended` when that is written. */
  begin(kind: JobKind, row: JobRow, over: () => void, ended: () => void): void
  abort(ids: number[], cause: AbortCause): void
  abortAll(cause: AbortCause): void
  /** Extends the leases, and stops what was lost or is to stop. */
  beat(leaseUntil: number): Promise<void>
  /**
   * Gives claims back as ready with no error counted: `rows` that were never begun, or else all that run. What their
   * handlers still bring is refused by the fence.
   */
  handBack(rows?: JobRow[]): Promise<void>
}

export function createHeld(deps: WorkerDeps): Held {
  const { database, queue, clock, log } = deps
  const running = new Set<Running>()
  const counts = new Map<string, number>()

  function count(kind: string, by: 1 | -1) {
    counts.set(kind, (counts.get(kind) ?? 0) + by)
  }

  return {
    get size() {
      return running.size
    },
    of: (kind) => counts.get(kind) ?? 0,
    begin(kind, row, over, ended) {
      const one: Running = { row, controller: new AbortController() }
      running.add(one)
      count(kind.kind, 1)
      const overNow = () => {
        count(kind.kind, -1)
        over()
      }
      void runClaim(deps, kind, row, one.controller.signal, overNow).finally(() => {
        running.delete(one)
        ended()
      })
    },
    abort(ids, cause) {
      // More than one of an id where a claim of this very process was lost and taken again.
      for (const { row, controller } of running) if (ids.includes(row.id)) controller.abort(cause)
    },
    abortAll(cause) {
      for (const { controller } of running) controller.abort(cause)
    },
    async beat(leaseUntil) {
      const held = [...running]
      if (held.length === 0) return
      const claims: Claim[] = held.map(({ row }) => ({ id: row.id, claims: row.claims }))
      try {
        const beats = await database.execute(heartbeat, { claims, leaseUntil })
        for (const [at, { controller }] of held.entries()) {
          if (beats[at] === 'lost') controller.abort('lost' satisfies AbortCause)
          if (beats[at] === 'stop') controller.abort('stop' satisfies AbortCause)
        }
      } catch (error) {
        log.error({ err: error }, 'could not extend the leases')
      }
    },
    async handBack(rows) {
      const given = rows ?? [...running].map(({ row }) => row)
      const now = clock.now()
      const claim = rows ? 'unused' : 'begun'
      const finish = { as: 'retry', dueAt: now, countsError: false, error: null, claim } as const
      const writes = given.map((row) =>
        database.execute(queue.commands.finish, { row, finish, now }),
      )
      for (const { status } of await Promise.allSettled(writes)) {
        if (status === 'rejected') log.error('could not hand a job back; its lease will run out')
      }
      if (!rows) running.clear()
    },
  }
}
