import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from '#src/database/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import type { Reading } from '#src/plugins/metrics.ts'

interface QueueRow {
  kind: string
  state: string
  count: number
  oldestAt: number
}

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
  const waiting = database.sqlite.query<QueueRow, []>(
    `SELECT kind, state, count(*) AS count, min(created_at) AS oldestAt FROM jobs
     WHERE state IN ('parked', 'ready', 'running') GROUP BY kind, state`,
  )
  const tiers = kept(clock, TIERS_EVERY_MS, countTiers)
  // Three gauges read the same rows within one scrape.
  const queue = kept(clock, SECOND, () => waiting.all())
  return [
    {
      name: 'pollux_jobs',
      help: 'Jobs that have not ended',
      labels: ['kind', 'state'],
      read: () =>
        queue().map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })),
    },
    {
      name: 'pollux_jobs_oldest_seconds',
      help: 'Age of the oldest job that has not ended',
      labels: ['kind', 'state'],
      read: () =>
        queue().map(({ kind, state, oldestAt }) => ({
          labels: { kind, state },
          value: Math.max(0, clock.now() - oldestAt) / SECOND,
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
