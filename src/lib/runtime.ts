import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Random } from './random.ts'

/** What every part of the program takes from outside, so that a test can hand in its own. */
export interface Runtime {
  clock: Clock
  random: Random
  log: Log
}
