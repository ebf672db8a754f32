import type { News } from '#src/database/writer.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { JOB_STOP } from './cancel.ts'
import { claim } from './claim.ts'
import type { WorkerDeps } from './deps.ts'
import { JOB_READY } from './enqueue.ts'
import { createHeld } from './held.ts'
import type { JobKind } from './job.ts'
import { createSweep } from './sweep.ts'

const NEVER = Number.MAX_SAFE_INTEGER
/** How long after its abort a handler may take to let go before its job is handed back without it. */
const LET_GO_MS = 2 * SECOND

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
   * Stops claiming, waits for the running jobs up to `drainMs`, then aborts the rest and hands them back
   * as ready with no error counted. Resolves when none of its jobs is its own any more: a handler that
   * does not heed its signal for 2 s is not waited for.
   */
  stop(drainMs: number): Promise<void>
  /** Running jobs of this worker. */
  readonly running: number
  /** The instant of the last turn of the loop; old means the worker is not alive. */
  readonly lastBeatAt: number
}

export function createWorker(deps: WorkerDeps, options: WorkerOptions = {}): Worker {
  const { database, queue, clock, log } = deps
  const leaseMs = options.leaseMs ?? 30 * SECOND
  const pollMs = options.pollMs ?? 500
  const held = createHeld(deps)
  const sweep = createSweep(deps)
  const claiming = new Set<string>()
  const again = new Set<string>()
  /** Kinds with a slot that has become free since the last claim. */
  const freed = new Set<string>()
  const alarms = new Map<string, () => void>()
  const stops: (() => void)[] = []
  let accepting = false
  let onIdle: (() => void) | undefined
  let lastBeatAt = clock.now()

  async function fill(kind: JobKind): Promise<void> {
    if (!accepting) return
    if (claiming.has(kind.kind)) {
      // A wake-up during a claim may be for a job that the claim did not see.
      again.add(kind.kind)
      return
    }
    freed.delete(kind.kind)
    const limit = kind.concurrency - held.of(kind.kind)
    if (limit < 1) return
    claiming.add(kind.kind)
    try {
      const input = { kind: kind.kind, limit, leaseMs, now: clock.now(), provider: kind.provider }
      const { rows, retryAt } = await database.execute(claim, input)
      if (accepting) {
        for (const row of rows) {
          held.begin(
            kind,
            row,
            () => freed.add(kind.kind),
            () => ended(kind),
          )
        }
        setAlarm(kind, retryAt)
      } else await held.handBack(rows)
    } catch (error) {
      log.error({ err: error, kind: kind.kind }, 'could not claim jobs')
    } finally {
      claiming.delete(kind.kind)
    }
    checkIdle()
    if (again.delete(kind.kind)) await fill(kind)
  }

  function ended(kind: JobKind) {
    checkIdle()
    // Where its end was written, the commit that did so has claimed the next already.
    if (freed.has(kind.kind)) void fill(kind)
  }

  /**
   * Claims in the very commit that makes a job ready or writes the end of another: the job begins as soon as
   * that is durable, and no second commit is waited for.
   */
  function claimWithin(news: readonly News[]) {
    const wanted = new Set(freed)
    for (const { topic, payload } of news) if (topic === JOB_READY) wanted.add(String(payload))
    for (const name of wanted) {
      const kind = queue.kinds.get(name)
      if (kind) void fill(kind)
    }
  }

  /** For jobs that fall due and providers that open again: nobody tells of those. */
  function setAlarm(kind: JobKind, at: number | null) {
    alarms.get(kind.kind)?.()
    alarms.delete(kind.kind)
    if (at === null) return
    // At most a minute, so that a clock set back delays nothing for long and no timer overflows.
    const delayMs = Math.min(MINUTE, Math.max(1, at - clock.now()))
    alarms.set(
      kind.kind,
      clock.after(delayMs, () => void fill(kind)),
    )
  }

  function poll() {
    const byMs = lastBeatAt - clock.now()
    lastBeatAt = clock.now()
    if (byMs > SECOND) void sweep.setBack(byMs)
    try {
      const stopping = held.size > 0 ? sweep.stopping() : []
      if (stopping.length > 0) held.abort(stopping, 'stop')
      void sweep.expire()
    } catch (error) {
      log.error({ err: error }, 'could not look for jobs to end')
    }
    for (const kind of queue.kinds.values()) void fill(kind)
  }

  function checkIdle() {
    if (!accepting && held.size === 0 && claiming.size === 0) onIdle?.()
  }

  async function beat() {
    await held.beat(clock.now() + leaseMs)
    // After the beat, so that a process that was paused takes its own jobs for alive.
    await sweep.rescue(clock.now())
  }

  return {
    get running() {
      return held.size
    },
    get lastBeatAt() {
      return lastBeatAt
    },
    async start({ alone }) {
      await sweep.rescue(alone ? NEVER : clock.now())
      accepting = true
      stops.push(
        database.beforeCommit(claimWithin),
        database.notifications.subscribe(JOB_STOP, (id) => held.abort([Number(id)], 'stop')),
        clock.every(pollMs, poll),
        clock.every(Math.floor(leaseMs / 3), () => void beat()),
      )
      poll()
    },
    async stop(drainMs) {
      accepting = false
      for (const cancel of alarms.values()) cancel()
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve
      })
      const timers = [
        clock.after(drainMs, () => held.abortAll('drain')),
        clock.after(drainMs + LET_GO_MS, () => void held.handBack().then(checkIdle)),
      ]
      checkIdle()
      await idle
      for (const stop of [...timers, ...stops.splice(0)]) stop()
    },
  }
}
