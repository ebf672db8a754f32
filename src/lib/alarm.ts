import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Alarm, Meters } from './meters.ts'
import { MINUTE } from './time.ts'

/** A fault of each kind is logged once in this time, however many requests meet it. */
const QUIET_MS = MINUTE

export type RaiseAlarm = (alarm: Alarm, message: string, fields: Record<string, unknown>) => void

/** Tells the operator about what only an operator can fix: an error in the log, and a counter for Prometheus. */
export function createAlarms({
  log,
  clock,
  meters,
}: {
  log: Log
  clock: Clock
  meters: Meters
}): RaiseAlarm {
  const loggedAt = new Map<Alarm, number>()
  return (alarm, message, fields) => {
    meters.alarm(alarm)
    const now = clock.now()
    const last = loggedAt.get(alarm)
    if (last !== undefined && now >= last && now < last + QUIET_MS) return
    loggedAt.set(alarm, now)
    log.error({ alarm, ...fields }, message)
  }
}
