import { SECOND } from '#src/lib/time.ts'
import { JOB_STOP } from './cancel.ts'
import { claim } from './claim.ts'
import type { WorkerDeps } from './deps.ts'
import { JOB_READY } from './enqueue.ts'
import { heartbeat } from './heartbeat.ts'
import type { AbortCause, JobKind } from './job.ts'
import type { JobRow } from './row.ts'
import { runClaim } from './run.ts'

const NEVER = Number.MAX_SAFE_INTEGER

export interface WorkerOptions {
  /** How long a claim holds without a heartbeat. Default 30 s; it beats three times as often. */
  leaseMs?: number
  /** The safety net below the wake-up on commit. Default 500 ms. */
  pollMs?: number
}

export interface Worker {
  /** Starts claiming. `alone`: no other process works on this database, so every lease found is a dead one's. */
  start(options: { alone: boolean }): Promise<void>
  /**
   * Stops claiming, waits for the running jobs up to `drainMs`, then hands the rest back as ready with
   * no error counted. Resolves when no handler of this worker runs any more.
   */
  stop(drainMs: number): Promise<void>
  /** Running jobs of this worker. */
  readonly running: number
  /** The instant of the last turn of the loop; old means the worker is not alive. */
  readonly lastBeatAt: number
}

interface Running {
  row: JobRow
  controller: AbortController
  settled: Promise<void>
}

export function createWorker(deps: WorkerDeps, options: WorkerOptions = {}): Worker {
  const { database, queue, clock, log } = deps
  const leaseMs = options.leaseMs ?? 30 * SECOND
  const pollMs = options.pollMs ?? 500
  const running = new Set<Running>()
  const busy = new Map<string, number>()
  const claiming = new Set<string>()
  const again = new Set<string>()
  const stops: (() => void)[] = []
  let accepting = false
  let lastBeatAt = clock.now()

  async function fill(kind: JobKind): Promise<void> {
    if (!accepting) return
    if (claiming.has(kind.kind)) {
      // A wake-up during a claim may be for a job that the claim did not see.
      again.add(kind.kind)
      return
    }
    const free = kind.concurrency - (busy.get(kind.kind) ?? 0)
    if (free < 1) return
    claiming.add(kind.kind)
    try {
      const rows = await database.execute(claim, {
        kind: kind.kind,
        limit: free,
        leaseMs,
        now: clock.now(),
      })
      for (const row of rows) begin(kind, row)
    } catch (error) {
      log.error({ err: error, kind: kind.kind }, 'could not claim jobs')
    } finally {
      claiming.delete(kind.kind)
    }
    if (again.delete(kind.kind)) await fill(kind)
  }

  function begin(kind: JobKind, row: JobRow) {
    const controller = new AbortController()
    busy.set(kind.kind, (busy.get(kind.kind) ?? 0) + 1)
    const settled = runClaim(deps, kind, row, controller.signal).finally(() => {
      running.delete(one)
      busy.set(kind.kind, (busy.get(kind.kind) ?? 1) - 1)
      void fill(kind)
    })
    const one: Running = { row, controller, settled }
    running.add(one)
    if (row.stop_requested_at !== null) abort(row.id, 'stop')
  }

  function abort(id: number, cause: AbortCause) {
    // More than one where a claim of this very process was lost and taken again.
    for (const one of running) if (one.row.id === id) one.controller.abort(cause)
  }

  async function beat() {
    const held = [...running]
    if (held.length === 0) return
    const claims = held.map(({ row }) => ({ id: row.id, claims: row.claims }))
    try {
      const leaseUntil = clock.now() + leaseMs
      const beats = await database.execute(heartbeat, { claims, leaseUntil })
      for (const [at, one] of held.entries()) {
        if (beats[at] === 'lost') one.controller.abort('lost' satisfies AbortCause)
        if (beats[at] === 'stop') one.controller.abort('stop' satisfies AbortCause)
      }
    } catch (error) {
      log.error({ err: error }, 'could not extend the leases')
    }
  }

  async function rescue(leasesUntil: number) {
    try {
      const count = await database.execute(queue.commands.rescue, { now: clock.now(), leasesUntil })
      if (count > 0) log.warn({ count }, 'took back jobs whose worker was lost')
    } catch (error) {
      log.error({ err: error }, 'could not rescue jobs')
    }
  }

  function poll() {
    lastBeatAt = clock.now()
    for (const kind of queue.kinds.values()) void fill(kind)
  }

  return {
    get running() {
      return running.size
    },
    get lastBeatAt() {
      return lastBeatAt
    },
    async start({ alone }) {
      await rescue(alone ? NEVER : clock.now())
      accepting = true
      stops.push(
        database.notifications.subscribe(JOB_READY, (name) => {
          const kind = queue.kinds.get(String(name))
          if (kind) void fill(kind)
        }),
        database.notifications.subscribe(JOB_STOP, (id) => abort(Number(id), 'stop')),
        clock.every(pollMs, poll),
        clock.every(Math.floor(leaseMs / 3), () => void beat()),
        clock.every(Math.floor(leaseMs / 3), () => void rescue(clock.now())),
      )
      poll()
    },
    async stop(drainMs) {
      accepting = false
      const drained = Promise.allSettled([...running].map(({ settled }) => settled))
      const cancelDeadline = clock.after(drainMs, () => {
        for (const { controller } of running) controller.abort('drain' satisfies AbortCause)
      })
      await drained
      cancelDeadline()
      for (const stop of stops.splice(0)) stop()
    },
  }
}
