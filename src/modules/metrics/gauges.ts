import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from '#src/database/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import type { Reading } from '#src/plugins/metrics.ts'
import { createQueueStats } from '#src/queue/stats.ts'

/** Counting every user reads an index whole, so it is not done at each scrape. */
const TIERS_EVERY_MS = 5 * MINUTE

/** What is asked of the database and the disk when somebody scrapes. */
export function createGauges({
  database,
  clock,
  path,
  countTiers,
}: {
  database: Database
  clock: Clock
  /** The database file, or `:memory:`. */
  path: string
  countTiers: () => { basic: number; pro: number }
}): Reading[] {
  const stats = createQueueStats(database)
  const tiers = kept(clock, TIERS_EVERY_MS, countTiers)
  // Two gauges read the same rows within one scrape.
  const queue = kept(clock, SECOND, () => stats.waiting(clock.now()))
  return [
    {
      name: 'pollux_jobs',
      help: 'Jobs that have not ended',
      labels: ['kind', 'state'],
      read: () =>
        queue().flatMap(({ kind, parked, ready, running }) =>
          Object.entries({ parked, ready, running }).map(([state, value]) => ({
            labels: { kind, state },
            value,
          })),
        ),
    },
    {
      name: 'pollux_jobs_oldest_seconds',
      help: 'How long the longest waiting ready job could have been running',
      labels: ['kind'],
      read: () =>
        queue().map(({ kind, oldestReadyMs }) => ({
          labels: { kind },
          value: (oldestReadyMs ?? 0) / SECOND,
        })),
    },
    {
      name: 'pollux_users',
      help: 'Users by tier, counted every five minutes',
      labels: ['tier'],
      read: () => Object.entries(tiers()).map(([tier, value]) => ({ labels: { tier }, value })),
    },
    bytes('pollux_database_bytes', 'Size of the database file', () => statSync(path).size),
    bytes('pollux_wal_bytes', 'Size of the write-ahead log', () => statSync(`${path}-wal`).size),
    bytes('pollux_disk_free_bytes', 'Free space beside the database', () => {
      const { bavail, bsize } = statfsSync(dirname(path))
      return bavail * bsize
    }),
  ]
}

/** A gauge that says nothing while there is nothing to measure, as of a database in memory. */
function bytes(name: string, help: string, read: () => number): Reading {
  return {
    name,
    help,
    read() {
      try {
        return [{ value: read() }]
      } catch {
        return []
      }
    },
  }
}

function kept<T>(clock: Clock, forMs: number, read: () => T): () => T {
  let value: T | undefined
  let readAt = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.now()
    // A clock set back must not keep an old value for an hour.
    if (value === undefined || now - readAt >= forMs || now < readAt) {
      value = read()
      readAt = now
    }
    return value
  }
}
