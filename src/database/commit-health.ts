import type { Clock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
import { explainFault } from './fault.ts'
import type { WriterObserver } from './sqlite/writer.ts'

/** Whether commits succeed, said once when that changes and not at each of a thousand refusals. */
export interface CommitHealth extends Required<Pick<WriterObserver, 'committed' | 'refused'>> {
  /** When a commit that wrote last succeeded. */
  readonly committedAt: number
  /** Why the last commit failed; undefined since one succeeded. */
  readonly fault: unknown
}

export function createCommitHealth({
  clock,
  log,
  path,
}: {
  clock: Clock
  log: Log
  path: string
}): CommitHealth {
  let committedAt = Number.NEGATIVE_INFINITY
  let failing: { error: unknown; since: number; refused: number } | undefined
  return {
    get committedAt() {
      return committedAt
    },
    get fault() {
      return failing?.error
    },
    committed(_commands, _durationMs, wrote) {
      if (!wrote) return
      committedAt = clock.now()
      if (!failing) return
      const seconds = (committedAt - failing.since) / SECOND
      log.info({ seconds, refused: failing.refused }, 'the database takes commits again')
      failing = undefined
    },
    refused(error, commands) {
      if (!failing) {
        failing = { error, since: clock.now(), refused: 0 }
        log.error({ err: error, commands }, explainFault(error, path))
      }
      failing.error = error
      failing.refused += commands
    },
  }
}
