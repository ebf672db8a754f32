import { statSync } from 'node:fs'
import { latestNightly } from '#src/database/sqlite/backup-folder.ts'
import { freeBytesBeside } from '#src/database/sqlite/disk.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { shared } from '#src/lib/lazy.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import type { Reading } from '#src/plugins/metrics.ts'
import type { Pause } from '#src/queue/provider-limits.ts'
import { readWaiting } from '#src/queue/stats.ts'

/** Counting walks every user, in small steps, so it is not done at each scrape. */
const TIERS_EVERY_MS = 5 * MINUTE

/** What is asked of the database and the disk when somebody scrapes. */
export function createGauges({
  database,
  clock,
  path,
  backupDir,
  countTiers,
  pauses,
}: {
  database: Database
  clock: Clock
  /** The database file, or `:memory:`. */
  path: string
  /** Where the nightly backups go, if anywhere. */
  backupDir: string | undefined
  countTiers: () => Promise<{ basic: number; pro: number }>
  /** Models that the provider does not serve now; one without a name stands for all. */
  pauses: () => Promise<Pause[]>
}): Reading[] {
  const tiers = refreshed(clock, TIERS_EVERY_MS, countTiers)
  // Two gauges read the same rows within one scrape.
  const queue = kept(clock, SECOND, () => database.read(readWaiting, { now: clock.now() }))
  const backupAge = (folder: string) =>
    file(
      'pollux_backup_age_seconds',
      'Age of the latest nightly backup, or of the database while there is none',
      () => (clock.now() - (nightly(folder) ?? statSync(path).birthtimeMs)) / SECOND,
    )
  return [
    {
      name: 'pollux_jobs',
      help: 'Jobs that have not ended',
      labels: ['kind', 'state'],
      read: async () =>
        (await queue()).flatMap(({ kind, blocked, ready, running }) =>
          Object.entries({ blocked, ready, running }).map(([state, value]) => ({
            labels: { kind, state },
            value,
          })),
        ),
    },
    {
      name: 'pollux_jobs_oldest_seconds',
      help: 'How long the longest waiting ready job could have been running',
      labels: ['kind'],
      read: async () =>
        (await queue()).map(({ kind, oldestReadyMs }) => ({
          labels: { kind },
          value: (oldestReadyMs ?? 0) / SECOND,
        })),
    },
    {
      name: 'pollux_users',
      help: 'Users by the tier they have at their next prompt, counted every five minutes',
      labels: ['tier'],
      read: async () =>
        Object.entries(await tiers()).map(([tier, value]) => ({ labels: { tier }, value })),
    },
    {
      name: 'pollux_provider_paused_seconds',
      help: 'How long a model is paused from now on; a refused key pauses all',
      labels: ['model', 'reason'],
      read: async () =>
        (await pauses()).map(({ model, reason, until }) => ({
          labels: { model: model === '' ? 'all' : model, reason },
          // A refused key that is due to be checked is refused still.
          value: Math.max(1, (until - clock.now()) / SECOND),
        })),
    },
    file('pollux_database_bytes', 'Size of the database file', () => statSync(path).size),
    file('pollux_wal_bytes', 'Size of the write-ahead log', () => statSync(`${path}-wal`).size),
    file('pollux_disk_free_bytes', 'Free space beside the database', () => freeBytesBeside(path)),
    ...(backupDir === undefined ? [] : [backupAge(backupDir)]),
  ]
}

/** A folder that cannot be read holds none that counts. */
function nightly(folder: string): number | undefined {
  try {
    return latestNightly(folder)
  } catch {
    return undefined
  }
}

/** A gauge that stays at zero while there is nothing to measure, as of a database in memory. */
function file(name: string, help: string, read: () => number): Reading {
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

/** As {@link kept}, for what takes long: while it is read again, the last value is given. Only the first is waited for. */
function refreshed<T>(clock: Clock, everyMs: number, read: () => Promise<T>): () => Promise<T> {
  let last: { value: T; readAt: number } | undefined
  const refresh = shared(async () => {
    const value = await read()
    last = { value, readAt: clock.now() }
    return value
  })

  return async () => {
    const ageMs = last && clock.now() - last.readAt
    if (last && ageMs !== undefined && ageMs >= 0 && ageMs < everyMs) return last.value
    const running = refresh()
    if (!last) return running
    // The next scrape tries again.
    running.catch(() => {})
    return last.value
  }
}
