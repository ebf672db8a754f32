import { statfsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { command } from '#src/database/command.ts'
import type { Fate } from '#src/database/fate.ts'
import { explainFault } from '#src/database/fault.ts'
import { pendingMigrations } from '#src/database/migrate.ts'
import type { Database } from '#src/database/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'

/** A commit this recent has proven that the database takes them. */
const FRESH_MS = 2 * SECOND
/** A worker whose loop has not turned for this long is not alive. */
const WORKER_SILENT_MS = 5 * SECOND
/** Below this the next checkpoint may not fit. */
export const LEAST_FREE_BYTES = 16 * 1024 * 1024

/** `user_version` counts the probes: a real commit, to a field of the header that nothing else uses. */
const probe = command('health.probe', ({ sqlite }) => {
  const version = sqlite.query<{ user_version: number }, []>('PRAGMA user_version')
  return () => {
    const probes = version.get()?.user_version ?? 0
    sqlite.run(`PRAGMA user_version = ${(probes + 1) % 1_000_000}`)
  }
})

export interface ReadinessDeps {
  database: Database
  /** The database file, or `:memory:`. */
  path: string
  fate: Fate
  clock: Clock
  worker: { readonly lastBeatAt: number }
  draining: () => boolean
  freeBytes?: (path: string) => number
}

/** Names everything that keeps this server from doing its work; nothing when all is well. */
export function createReadiness(deps: ReadinessDeps): () => Promise<string[]> {
  const { database, fate, clock, worker, draining, freeBytes = diskFree } = deps
  const name = basename(deps.path)
  // Migrations are applied before serving begins, and a running server's schema does not change.
  const pending = pendingMigrations(database.sqlite)
  let probing: Promise<void> | undefined

  async function databaseFault(): Promise<string | undefined> {
    const sinceMs = clock.now() - fate.committedAt
    const proven = fate.fault === undefined && sinceMs >= 0 && sinceMs < FRESH_MS
    if (proven) return undefined
    // Askers share a probe, so that /readyz cannot be used to keep the disk busy.
    probing ??= database.execute(probe, undefined).finally(() => {
      probing = undefined
    })
    try {
      await probing
      return undefined
    } catch (error) {
      return explainFault(error, name)
    }
  }

  return async () => {
    if (draining()) return ['The server is about to stop.']
    const faults: string[] = []
    const fault = await databaseFault()
    if (fault !== undefined) faults.push(fault)
    if (pending.length > 0) faults.push(`Migrations are pending: ${pending.join(', ')}.`)
    if (clock.now() - worker.lastBeatAt > WORKER_SILENT_MS) faults.push('The worker has stopped.')
    if (deps.path !== ':memory:' && freeBytes(deps.path) < LEAST_FREE_BYTES) {
      faults.push('The disk of the database is almost full.')
    }
    return faults
  }
}

function diskFree(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize
  } catch {
    // Its folder is gone; the probe says so.
    return Number.POSITIVE_INFINITY
  }
}
