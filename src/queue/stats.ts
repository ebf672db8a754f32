import type { Connection } from '#src/database/command.ts'
import type { JobState } from './job.ts'
import { COUNT_ENDED, COUNT_PARKED, COUNT_READY, COUNT_RUNNING } from './sql.ts'

/** The jobs of a kind that have not ended. */
export interface KindStats {
  kind: string
  parked: number
  ready: number
  running: number
  /** How long the longest waiting ready job could have been running; null where none waits. */
  oldestReadyMs: number | null
}

export interface EndedCount {
  kind: string
  state: Extract<JobState, 'done' | 'failed' | 'cancelled'>
  count: number
}

export interface QueueStats {
  /** Reads only what has not ended, so it costs the backlog and not the history. */
  waiting(now: number): KindStats[]
  /** Jobs that ended at or after the instant; costs as many index entries. */
  ended(since: number): EndedCount[]
}

/** The figures of the queue, read in the moment they are asked for. */
export function createQueueStats({ sqlite }: Pick<Connection, 'sqlite'>): QueueStats {
  type Count = { kind: string; count: number }
  const parked = sqlite.query<Count, []>(COUNT_PARKED)
  const ready = sqlite.query<Count & { dueAt: number }, []>(COUNT_READY)
  const running = sqlite.query<Count, []>(COUNT_RUNNING)
  const ended = sqlite.query<EndedCount, [number]>(COUNT_ENDED)
  return {
    waiting(now) {
      const kinds = new Map<string, KindStats>()
      const of = (kind: string) => {
        const found = kinds.get(kind)
        if (found) return found
        const none = { kind, parked: 0, ready: 0, running: 0, oldestReadyMs: null }
        kinds.set(kind, none)
        return none
      }
      for (const { kind, count } of parked.all()) of(kind).parked = count
      for (const { kind, count } of running.all()) of(kind).running = count
      for (const { kind, count, dueAt } of ready.all()) {
        Object.assign(of(kind), { ready: count, oldestReadyMs: dueAt <= now ? now - dueAt : null })
      }
      return [...kinds.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1))
    },
    ended: (since) => ended.all(since),
  }
}
