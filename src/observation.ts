import { Elysia } from 'elysia'
import { type Config, metricsHost } from './config/config.ts'
import { type CommitHealth, createCommitHealth } from './database/commit-health.ts'
import { LostFile } from './database/sqlite/file-watch.ts'
import type { Database } from './database/sqlite/open.ts'
import { rescue } from './database/sqlite/salvage.ts'
import type { WriterObserver } from './database/sqlite/writer.ts'
import { type Meters, noMeters } from './lib/meters.ts'
import type { Runtime } from './lib/runtime.ts'
import { SECOND } from './lib/time.ts'
import type { Billing } from './modules/billing/service.ts'
import { createGauges } from './modules/metrics/gauges.ts'
import { createMetricsRoute } from './modules/metrics/index.ts'
import type { Metrics } from './plugins/metrics.ts'
import type { Pause } from './queue/provider-limits.ts'

/** After an attempt to save a lost database that failed: another process may read it, or the disk be full. */
const TRY_AGAIN_MS = 5 * SECOND

/** METRICS_PORT cannot be had; `cause` says why. */
export class MetricsPortRefused extends Error {}

/** What watches a server from its first commit on. */
export interface Observation {
  /** Undefined where nobody can read them. */
  metrics: Metrics | undefined
  meters: Meters
  commitHealth: CommitHealth
  observer: Required<Pick<WriterObserver, 'committed' | 'refused'>>
  /** From here on, what is lost under us is rescued. */
  guard(database: Database): void
  /** Measures the database too, and opens the port for metrics if there is one; gives what closes it. */
  watch(
    database: Database,
    billing: Pick<Billing, 'countTiers'>,
    pauses: () => Promise<Pause[]>,
  ): () => Promise<unknown>
}

export async function createObservation(
  config: Config,
  { clock, log }: Runtime,
): Promise<Observation> {
  const path = config.databasePath
  const wanted = config.metricsToken !== undefined || config.metricsPort > 0
  // Loaded here only: prom-client takes 15 ms of every start.
  const metrics = wanted ? (await import('./plugins/metrics.ts')).createMetrics() : undefined
  const meters = metrics?.meters ?? noMeters
  const commitHealth = createCommitHealth({ clock, log, path })
  let guarded: Database | undefined
  let notBefore = Number.NEGATIVE_INFINITY

  function save(lost: LostFile) {
    const database = guarded
    // Of a file that was cut short there is nothing to save, and whoever found out goes on refusing.
    if (!database || lost.what === 'cut' || clock.now() < notBefore) return
    // A database that is gone is copied once, or the copies would fill the disk.
    notBefore = Number.POSITIVE_INFINITY
    const run = () => {
      const now = clock.now()
      const result = rescue(database, { path, lost, now, log })
      if (result === 'serving') notBefore = now
      if (result === 'failed') notBefore = now + TRY_AGAIN_MS
    }
    // A new log can be begun only by who is alone with the database.
    if (database.thread) void database.bringWriterBack().then(run)
    else run()
  }

  return {
    metrics,
    meters,
    commitHealth,
    observer: {
      committed(commands, durationMs, wrote) {
        commitHealth.committed(commands, durationMs, wrote)
        meters.committed(commands, durationMs)
      },
      refused(error, commands) {
        commitHealth.refused(error, commands)
        if (error instanceof LostFile) save(error)
      },
    },
    guard(database) {
      guarded = database
    },
    watch(database, { countTiers }, pauses) {
      if (!metrics) return async () => {}
      const { backupDir } = config
      const gauges = createGauges({ database, clock, path, backupDir, countTiers, pauses })
      for (const gauge of gauges) metrics.watch(gauge)
      if (config.metricsPort === 0) return async () => {}
      const listener = new Elysia({ name: 'metrics-port' }).use(
        createMetricsRoute({ metrics, token: config.metricsToken }),
      )
      try {
        listener.listen({
          hostname: metricsHost(config),
          port: config.metricsPort,
          reusePort: false,
          development: false,
        })
      } catch (cause) {
        throw new MetricsPortRefused('no port for metrics', { cause })
      }
      log.info({ host: metricsHost(config), port: config.metricsPort }, 'metrics')
      return () => listener.stop(true)
    },
  }
}
