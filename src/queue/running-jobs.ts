import type { AbortCause, JobKind, JobRow } from './job.ts'
import { heartbeat } from './recover.ts'
import { runAttempt, type WorkerDeps } from './run.ts'

interface Running {
  row: JobRow
  controller: AbortController
}

/** The jobs a worker runs: each until its handler ends, is stopped, or is given up. */
export interface RunningJobs {
  readonly size: number
  /** Runs the handler of a claimed job; `over` is called when it has ended, `ended` when that is written. */
  begin(kind: JobKind, row: JobRow, over: () => void, ended: () => void): void
  abort(ids: number[], cause: AbortCause): void
  abortAll(cause: AbortCause): void
  /** Extends the leases, and stops what was lost or is to stop. */
  beat(leaseUntil: number): Promise<void>
  /**
   * Releases jobs as ready with no error counted: `rows` that were never begun, or else all that run. What their handlers
   * still return is refused, as another attempt holds the job by then.
   */
  release(rows?: JobRow[]): Promise<void>
}

export function createRunningJobs(deps: WorkerDeps): RunningJobs {
  const { database, queue, clock, log } = deps
  const running = new Set<Running>()

  return {
    get size() {
      return running.size
    },
    begin(kind, row, over, ended) {
      const one: Running = { row, controller: new AbortController() }
      running.add(one)
      void runAttempt(deps, kind, row, one.controller.signal, over).finally(() => {
        running.delete(one)
        ended()
      })
    },
    abort(ids, cause) {
      // More than one of an id where this process lost a job and claimed it again.
      for (const { row, controller } of running) if (ids.includes(row.id)) controller.abort(cause)
    },
    abortAll(cause) {
      for (const { controller } of running) controller.abort(cause)
    },
    async beat(leaseUntil) {
      const held = [...running]
      if (held.length === 0) return
      const attempts = held.map(({ row: { id, attempt } }) => ({ id, attempt }))
      try {
        const beats = await database.run(heartbeat, { attempts, leaseUntil })
        for (const [at, { controller }] of held.entries()) {
          if (beats[at] === 'lost') controller.abort('lost' satisfies AbortCause)
          if (beats[at] === 'stop') controller.abort('stop' satisfies AbortCause)
        }
      } catch (error) {
        log.error({ err: error }, 'could not extend the leases')
      }
    },
    async release(rows) {
      const released = rows ?? [...running].map(({ row }) => row)
      const now = clock.now()
      const attempt = rows ? 'unused' : 'begun'
      const finish = { as: 'retry', dueAt: now, countsError: false, error: null, attempt } as const
      const writes = released.map(({ id, kind, attempt, concurrencyKey }) => {
        const job = { id, kind, attempt, concurrencyKey }
        return database.run(queue.commands.finish, { job, finish, now })
      })
      for (const { status } of await Promise.allSettled(writes)) {
        if (status === 'rejected') log.error('could not release a job; its lease will run out')
      }
      if (!rows) running.clear()
    },
  }
}
