import { MINUTE, SECOND } from '#src/lib/time.ts'

/**
 * Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"):
 * uniform between 0 and the ceiling, which doubles from 1 s to 60 s.
 * @param errors how often it has failed, 1 at the first failure
 * @param random a whole number, 0 ≤ n < below
 */
export function backoffMs(errors: number, random: (below: number) => number): number {
  return random(backoffCeilingMs(errors) + 1)
}

export function backoffCeilingMs(errors: number): number {
  return Math.min(MINUTE, SECOND * 2 ** Math.max(0, errors - 1))
}
