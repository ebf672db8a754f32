import { command, query, type Steps } from '#src/database/steps.ts'
import { findJob } from './statements.ts'
import {
  countBlocked,
  countEnded,
  countReady,
  countRunning,
  listJobs,
  pruneJobs,
} from './upkeep-statements.ts'

/** The jobs of a kind that have not ended. */
export interface KindStats {
  kind: string
  blocked: number
  ready: number
  running: number
  /** How long the longest waiting ready job could have been running; null where none waits. */
  oldestReadyMs: number | null
}

/** How many jobs of each kind have not ended. Reads only those, so it costs the backlog and not the history. */
export const readWaiting = query('queue.waiting', function* (tx, { now }: { now: number }): Steps<
  KindStats[]
> {
  const kinds = new Map<string, KindStats>()
  const of = (kind: string) => {
    const found = kinds.get(kind)
    if (found) return found
    const none = { kind, blocked: 0, ready: 0, running: 0, oldestReadyMs: null }
    kinds.set(kind, none)
    return none
  }
  for (const { kind, count } of yield* tx.all(countBlocked, {})) of(kind).blocked = count
  for (const { kind, count } of yield* tx.all(countRunning, {})) of(kind).running = count
  for (const { kind, count, dueAt } of yield* tx.all(countReady, {})) {
    Object.assign(of(kind), { ready: count, oldestReadyMs: dueAt <= now ? now - dueAt : null })
  }
  return [...kinds.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1))
})

/** How many jobs ended at or after the instant, by kind and state; costs as many index entries. */
export const readEnded = query('queue.ended', function* (tx, { since }: { since: number }) {
  return yield* tx.all(countEnded, { since })
})

/** Jobs as an operator asks for them, newest first. */
export const readJobs = query(
  'queue.list',
  function* (tx, { state, kind, limit }: { state?: string; kind?: string; limit: number }) {
    return yield* tx.all(listJobs, { state: state ?? null, kind: kind ?? null, limit })
  },
)

export const readJob = query('queue.find', function* (tx, { id }: { id: number }) {
  return yield* tx.first(findJob, { id })
})

/** Deletes up to `limit` jobs that ended before the instant; gives how many, so that the caller can go on. */
export const prune = command(
  'queue.prune',
  function* (tx, input: { endedBefore: number; limit: number }) {
    return yield* tx.run(pruneJobs, input)
  },
)
