import { MINUTE, SECOND } from '#src/lib/time.ts'
import { JOB_STOP } from './cancel.ts'
import type { Claimed } from './claim.ts'
import { createClaims } from './claims.ts'
import type { WorkerDeps } from './deps.ts'
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
  const claims = createClaims(deps, (event) => {
    const kind = queue.kinds.get(event.kind)
    if (event.on === 'fault' || !kind) {
      const { message } = { message: '', ...event }
      // Asked again twice a second: said once until it changes.
      if (refusals.get(event.kind) !== message) log.error(event, 'could not claim jobs')
      refusals.set(event.kind, message)
      return
    }
    refusals.delete(event.kind)
    if (accepting) begin(kind, event)
    else returned = Promise.all([returned, held.handBack(event.rows)])
  })
  const alarms = new Map<string, () => void>()
  const refusals = new Map<string, string>()
  const stops: (() => void)[] = []
  let accepting = false
  let claiming = true
  /** Of what was claimed while the worker was stopped already. */
  let returned: Promise<unknown> = Promise.resolve()
  let onIdle: (() => void) | undefined
  let lastBeatAt = clock.now()

  function begin(kind: JobKind, { rows, retryAt }: Claimed) {
    for (const row of rows) {
      held.begin(
        kind,
        row,
        () => claims.say({ say: 'free', kind: kind.kind }),
        () => {
          claims.say({ say: 'over', kind: kind.kind })
          checkIdle()
        },
      )
    }
    setAlarm(kind, retryAt)
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
      clock.after(delayMs, () => claims.say({ say: 'look', kind: kind.kind })),
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
    for (const kind of queue.kinds.keys()) claims.say({ say: 'look', kind })
  }

  function checkIdle() {
    if (!accepting && !claiming && held.size === 0) onIdle?.()
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
      await sweep.setBackMeanwhile()
      await sweep.rescue(alone ? NEVER : clock.now())
      accepting = true
      claims.open(
        [...queue.kinds.values()].map(({ kind, concurrency, provider }) => {
          return { kind, slots: concurrency, leaseMs, provider }
        }),
      )
      stops.push(
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
      await claims.close()
      await returned
      claiming = false
      checkIdle()
      await idle
      for (const stop of [...timers, ...stops.splice(0)]) stop()
    },
  }
}
