import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'
import { AssistantFault } from './assistant.ts'

/** The time-outs of one call of the provider, milliseconds. */
export interface Timeouts {
  /** Until the headers of the answer. */
  headers: number
  /** Between two arrivals of bytes, whatever they hold: thoughts and keep-alives count. */
  silence: number
  /** From the headers to the first text. */
  firstText: number
  /** Until the answer is over. */
  reply: number
}

export interface TimeLimits {
  /** Aborts when the caller's signal does, and when a limit has passed. */
  signal: AbortSignal
  /** Set once a limit has passed. */
  readonly timedOut: AssistantFault | undefined
  /** Starts a limit and returns a function that ends it. */
  limit(of: string, ms: number): () => void
  /** Starts a limit that {@link heard} starts anew, and returns a function that ends it. */
  limitSilence(ms: number): () => void
  heard(): void
  /** A call that is over has nothing left to abort, and the error made for it would cost as much as the call. */
  close(isOver: boolean): void
}

/** Aborts the provider's call when the caller does or when a limit has passed. */
export function createTimeLimits(clock: Clock, outer: AbortSignal): TimeLimits {
  const controller = new AbortController()
  const follow = () => controller.abort(outer.reason)
  if (outer.aborted) follow()
  outer.addEventListener('abort', follow, { once: true })
  let timedOut: AssistantFault | undefined
  let heardAt = clock.now()

  function pass(of: string, ms: number) {
    timedOut ??= new AssistantFault('broken', `no ${of} within ${ms / SECOND} s`)
    controller.abort(timedOut)
  }

  return {
    signal: controller.signal,
    get timedOut() {
      return timedOut
    },
    limit: (of, ms) => clock.after(ms, () => pass(of, ms)),
    limitSilence(ms) {
      heardAt = clock.now()
      let cancel = () => {}
      // One timer for all arrivals: a timer for each would be most of the work of a short piece.
      const wait = (leftMs: number) => {
        cancel = clock.after(leftMs, () => {
          const silentMs = clock.now() - heardAt
          if (silentMs >= ms) pass('sign of life', ms)
          // A clock that was set back must not make the wait longer than it is.
          else wait(Math.min(ms, ms - silentMs))
        })
      }
      wait(ms)
      return () => cancel()
    },
    heard() {
      heardAt = clock.now()
    },
    close(isOver) {
      outer.removeEventListener('abort', follow)
      if (!isOver) controller.abort()
    },
  }
}
