import { readdirSync, readFileSync } from 'node:fs'
import type { Clock } from './clock.ts'
import { problem } from './problem.ts'
import { SECOND } from './time.ts'

/** The soft limit of this process on open files; infinite where there is no /proc. */
export function openFilesLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Files and connections that this process may still open. */
export function filesLeft(limit: number): number {
  try {
    return limit - readdirSync('/proc/self/fd').length
  } catch (error) {
    // Looking needs a file too; where there is no /proc nobody knows.
    const none = error instanceof Error && 'code' in error && error.code === 'EMFILE'
    return none ? 0 : Number.POSITIVE_INFINITY
  }
}

/** Kept for what is short: health checks, logins, reads, the database, calls of the provider. */
const RESERVE = 128
/** Of a low limit no more than this share is kept. */
const RESERVED_SHARE = 0.25
const COUNTED_FOR_MS = SECOND
const RETRY_AFTER_SECONDS = 5

/** Refuses connections that stay open while few file descriptors are left, so that short requests are still served. */
export interface ConnectionGuard {
  /**
   * Counts one more connection that stays open, until the function it gives is called.
   * @throws Problem 503 `no-connections-left`
   */
  admit(): () => void
}

/** Counts the descriptors at most once a second, as the count costs a look at each of them. */
export function createConnectionGuard({
  clock,
  limit = openFilesLimit(),
  left = () => filesLeft(limit),
}: {
  clock: Clock
  limit?: number
  left?: () => number
}): ConnectionGuard {
  const reserve = Math.min(RESERVE, Math.floor(limit * RESERVED_SHARE))
  let counted = { left: 0, at: Number.NEGATIVE_INFINITY }
  return {
    admit() {
      if (limit === Number.POSITIVE_INFINITY) return () => {}
      const age = clock.now() - counted.at
      if (age < 0 || age >= COUNTED_FOR_MS) counted = { left: left(), at: clock.now() }
      if (counted.left <= reserve) {
        throw problem('no-connections-left', {
          detail: `Too many connections are open. Try again in ${RETRY_AFTER_SECONDS} seconds.`,
          headers: { 'retry-after': String(RETRY_AFTER_SECONDS), connection: 'close' },
        })
      }
      counted.left -= 1
      return () => {
        counted.left += 1
      }
    },
  }
}
