import { MINUTE, SECOND } from '#src/lib/time.ts'
import type { Claimed } from './claim.ts'
import { connectClaimer } from './claimer.ts'
import { JOB_STOP } from './finish.ts'
import type { JobKind } from './job.ts'
import type { WorkerDeps } from './run.ts'
import { createRunningJobs } from './running-jobs.ts'
import { createUpkeep } from './upkeep.ts'

const NEVER = Number.MAX_SAFE_INTEGER
/** How long after its abort a handler may take to end before its job is released without it. */
const LET_GO_MS = 2 * SECOND

export interface WorkerOptions {
  /** How long a job stays with a worker that sends no heartbeat. Default 30 s; a heartbeat is sent three times as often. */
  leaseMs?: number
  /** The safety net below the wake-up on commit. Default 500 ms. */
  pollMs?: number
}

export interface Worker {
  /** Starts claiming. `alone`: no other process works on this database, so every lease found is a dead one's. */
  start(options: { alone: boolean }): Promise<void>
  /**
   * Stops claiming, waits for the running jobs up to `drainMs`, then aborts the rest and releases them as ready with no
   * error counted. Resolves when it holds no job any more: a handler that ignores its abort signal for 2 s is not waited
   * for.
   */
  stop(drainMs: number): Promise<void>
  /** Running jobs of this worker. */
  readonly running: number
  /** When it polled last; long ago means that the worker is not alive. */
  readonly lastBeatAt: number
}

export function createWorker(deps: WorkerDeps, options: WorkerOptions = {}): Worker {
  const { database, queue, clock, log } = deps
  const leaseMs = options.leaseMs ?? 30 * SECOND
  const pollMs = options.pollMs ?? 500
  const running = createRunningJobs(deps)
  const upkeep = createUpkeep(deps)
  const claimer = connectClaimer(deps, (event) => {
    const kind = queue.kinds.get(event.kind)
    if (event.type === 'fault' || !kind) {
      const { message } = { message: '', ...event }
      // Asked again twice a second: logged once until it changes.
      if (refusals.get(event.kind) !== message) log.error(event, 'could not claim jobs')
      refusals.set(event.kind, message)
      return
    }
    refusals.delete(event.kind)
    if (accepting) begin(kind, event)
    else released = Promise.all([released, running.release(event.rows)])
  })
  const alarms = new Map<string, () => void>()
  const refusals = new Map<string, string>()
  const stops: (() => void)[] = []
  let accepting = false
  let claiming = true
  /** Of what was claimed while the worker was stopped already. */
  let released: Promise<unknown> = Promise.resolve()
  let onIdle: (() => void) | undefined
  let lastBeatAt = clock.now()

  function begin(kind: JobKind, { rows, retryAt }: Claimed) {
    for (const row of rows) {
      running.begin(
        kind,
        row,
        () => claimer.send({ type: 'free', kind: kind.kind }),
        () => {
          claimer.send({ type: 'over', kind: kind.kind })
          checkIdle()
        },
      )
    }
    setAlarm(kind, retryAt)
  }

  /** For jobs that fall due and providers that open again: no notification is published of those. */
  function setAlarm(kind: JobKind, at: number | null) {
    alarms.get(kind.kind)?.()
    alarms.delete(kind.kind)
    if (at === null) return
    // At most a minute, so that a clock set back delays nothing for long and no timer overflows.
    const delayMs = Math.min(MINUTE, Math.max(1, at - clock.now()))
    alarms.set(
      kind.kind,
      clock.after(delayMs, () => claimer.send({ type: 'look', kind: kind.kind })),
    )
  }

  function poll() {
    const byMs = lastBeatAt - clock.now()
    lastBeatAt = clock.now()
    if (byMs > SECOND) void upkeep.setBack(byMs)
    if (running.size > 0) void abortStopping()
    void upkeep.expire()
    for (const kind of queue.kinds.keys()) claimer.send({ type: 'look', kind })
  }

  async function abortStopping() {
    try {
      const ids = await upkeep.stopping()
      if (ids.length > 0) running.abort(ids, 'stop')
    } catch (error) {
      log.error({ err: error }, 'could not look for jobs to stop')
    }
  }

  function checkIdle() {
    if (!accepting && !claiming && running.size === 0) onIdle?.()
  }

  async function beat() {
    await running.beat(clock.now() + leaseMs)
    // After the heartbeat, so that a process that was paused keeps its own jobs.
    await upkeep.recover(clock.now())
  }

  return {
    get running() {
      return running.size
    },
    get lastBeatAt() {
      return lastBeatAt
    },
    async start({ alone }) {
      await upkeep.setBackMeanwhile()
      await upkeep.recover(alone ? NEVER : clock.now())
      accepting = true
      claimer.open(
        [...queue.kinds.values()].map(({ kind, concurrency, provider }) => {
          return { kind, slots: concurrency, leaseMs, provider }
        }),
      )
      stops.push(
        database.notifications.subscribe(JOB_STOP, (id) => running.abort([Number(id)], 'stop')),
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
        clock.after(drainMs, () => running.abortAll('drain')),
        clock.after(drainMs + LET_GO_MS, () => void running.release().then(checkIdle)),
      ]
      await claimer.close()
      await released
      claiming = false
      checkIdle()
      await idle
      for (const stop of [...timers, ...stops.splice(0)]) stop()
    },
  }
}
