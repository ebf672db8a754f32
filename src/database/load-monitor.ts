import { SECOND } from '#src/lib/time.ts'

/** Of how much of a second commits must block the loop to be called too much. */
const MUCH_MS = 200
/** For how many seconds on end. */
const LONG = 2

/** Sees when commits block the event loop so much that a thread of their own is worth what it costs. */
export interface Relief {
  /** After each commit: how long it blocked, and when it ended, in milliseconds of one clock. */
  committed(durationMs: number, atMs: number): void
}

/** Calls `wanted` at each second that is one too many. */
export function createRelief(wanted: () => void): Relief {
  let second = 0
  let blockedMs = 0
  let much = 0
  return {
    committed(durationMs, atMs) {
      const now = Math.floor(atMs / SECOND)
      if (now !== second) {
        much = blockedMs >= MUCH_MS && now === second + 1 ? much + 1 : 0
        second = now
        blockedMs = 0
        if (much >= LONG) wanted()
      }
      blockedMs += durationMs
    },
  }
}
