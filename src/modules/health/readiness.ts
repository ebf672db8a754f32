import { basename } from 'node:path'
import type { CommitHealth } from '#src/database/commit-health.ts'
import { explainFault } from '#src/database/fault.ts'
import { pendingMigrations } from '#src/database/sqlite/migrate.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { command } from '#src/database/steps.ts'
import type { Clock } from '#src/lib/clock.ts'
import { shared } from '#src/lib/lazy.ts'
import type { Log } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
import { createHost, type Host } from './host.ts'
import { readUserVersion, setUserVersionTo0, setUserVersionTo1 } from './statements.sqlite.ts'

/** A commit this recent has proven that the database takes them. */
const FRESH_MS = 2 * SECOND
/** A worker whose loop has not turned for this long is not alive. */
const WORKER_SILENT_MS = 5 * SECOND
const MIB = 1024 * 1024
/** Below this the next checkpoint may not fit. */
const LEAST_FREE_BYTES = 16 * MIB
/** Above this something reads without end, and the disk fills. */
const MOST_WAL_BYTES = 1024 * MIB
const LEAST_FILES_LEFT = 8

/** A real commit, which changes nothing but a field of the file's header. */
const probe = command('health.probe', function* (tx, _: undefined) {
  const header = yield* tx.first(readUserVersion, {})
  yield* tx.run(header?.user_version === 0 ? setUserVersionTo1 : setUserVersionTo0, {})
})

export interface ReadinessDeps {
  database: Database
  /** The database file, or `:memory:`. */
  path: string
  commitHealth: CommitHealth
  clock: Clock
  worker: { readonly lastBeatAt: number }
  draining: () => boolean
  /** Why the provider can answer nothing at all. */
  provider: () => string[] | Promise<string[]>
  log: Log
  host?: Host
}

/** Names everything that keeps this server from doing its work; nothing when all is well. */
export function createReadiness(deps: ReadinessDeps): () => Promise<string[]> {
  const { database, commitHealth, clock, worker, draining, log } = deps
  const host = deps.host ?? createHost(deps.path)
  const name = basename(deps.path)
  // Migrations are applied before serving begins, and a running server's schema does not change.
  const pending = pendingMigrations(database.sqlite)
  // Askers share a probe, so that /readyz cannot be used to keep the disk busy.
  const probeOnce = shared(async () => {
    await database.run(probe, undefined)
    // It wrote, though no row.
    commitHealth.committed(1, 0, true)
  })

  async function databaseFault(): Promise<string | undefined> {
    const sinceMs = clock.now() - commitHealth.committedAt
    const proven = commitHealth.fault === undefined && sinceMs >= 0 && sinceMs < FRESH_MS
    if (proven) return undefined
    try {
      await probeOnce()
      return undefined
    } catch (error) {
      return explainFault(error, name)
    }
  }

  let told = ''
  /** Said when it changes, and not at each of the questions of a machine that asks every second. */
  function tell(faults: string[]) {
    const now = faults.join(' ')
    if (now === told) return
    told = now
    if (now === '') log.info('ready again')
    else log.error(`not ready: ${now}`)
  }

  return async () => {
    if (draining()) return ['The server is about to stop.']
    const faults: string[] = []
    const fault = await databaseFault()
    if (fault !== undefined) faults.push(fault)
    if (pending.length > 0) faults.push(`Migrations are pending: ${pending.join(', ')}.`)
    if (clock.now() - worker.lastBeatAt > WORKER_SILENT_MS) faults.push('The worker has stopped.')
    if (deps.path !== ':memory:') faults.push(...hostFaults(host))
    // A database that cannot be read has been named already.
    if (fault === undefined) faults.push(...(await deps.provider()))
    tell(faults)
    return faults
  }
}

function hostFaults(host: Host): string[] {
  const faults: string[] = []
  if (host.freeBytes() < LEAST_FREE_BYTES) faults.push('The disk of the database is almost full.')
  if (host.filesLeft() < LEAST_FILES_LEFT) {
    faults.push('All files and connections this process may open are in use.')
  }
  if (host.walBytes() > MOST_WAL_BYTES) {
    const size = Math.round(host.walBytes() / MIB)
    faults.push(`The write-ahead log has ${size} MiB: something reads the database without end.`)
  }
  return faults
}
