import type { Clock } from '#src/lib/clock.ts'

interface Timer {
  at: number
  run: () => void
  periodMs: number | undefined
}

/** A clock that stands still until it is told to move; timers fire in order as it passes them. */
export interface FakeClock extends Clock {
  /** Moves on by `ms`, firing what falls due, and lets the work they started settle between them. */
  advance(ms: number): Promise<void>
  /** Sets the time without firing anything, as a stepped system clock does. */
  set(at: number): void
  /** When each timer that is set will fire. */
  timers(): number[]
}

/** 2026-11-22T12:00:00Z, a Sunday. */
export const NOON = Date.UTC(2026, 10, 22, 12)

export function createFakeClock(start: number = NOON): FakeClock {
  let now = start
  const timers = new Set<Timer>()
  const add = (timer: Timer) => {
    timers.add(timer)
    return () => {
      timers.delete(timer)
    }
  }
  return {
    now: () => now,
    after: (delayMs, run) => add({ at: now + delayMs, run, periodMs: undefined }),
    every: (periodMs, run) => add({ at: now + periodMs, run, periodMs }),
    set(at) {
      now = at
    },
    timers: () => [...timers].map(({ at }) => at),
    async advance(ms) {
      const end = now + ms
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (!due) break
        now = Math.max(now, due.at)
        if (due.periodMs === undefined) timers.delete(due)
        else due.at += due.periodMs
        due.run()
        await turns(3)
      }
      now = end
      await turns(3)
    },
  }
}

/** Lets that many turns of the event loop pass: enough for a group commit and what it wakes. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++)
    await new Promise<void>((resolve) => setImmediate(resolve))
}
