import { Elysia } from 'elysia'
import { createApp } from './app.ts'
import type { Config } from './config/config.ts'
import { lockDatabase } from './database/lock.ts'
import { migrate } from './database/migrate.ts'
import { openDatabase } from './database/open.ts'
import type { Runtime } from './lib/runtime.ts'
import { SECOND } from './lib/time.ts'
import { createMaintenance } from './maintenance.ts'
import { createCron } from './plugins/cron.ts'
import { createWorker } from './queue/worker.ts'
import { createServices } from './services.ts'

/** A worker whose loop has not turned for this long is not alive. */
const WORKER_SILENT_MS = 5 * SECOND
/** Above every limit of our own, so that too large a body meets our own 413 and not Bun's bare one. */
const MAX_BODY_BYTES = 8 * 1024 * 1024
/** Streams send a heartbeat each 15 s and a long poll lasts 25 s; who is silent longer has gone. */
const IDLE_TIMEOUT_SECONDS = 60

export interface Server {
  url: string
  /**
   * Stops claiming jobs and accepting prompts, lets running replies finish for `DRAIN_SECONDS`, hands the
   * rest back, then closes connections and the database.
   */
  stop(): Promise<void>
}

/** The whole program in one process: HTTP, worker, cron. @throws DatabaseInUse, DatabaseFromTheFuture */
export async function serve(config: Config, runtime: Runtime): Promise<Server> {
  const { log, clock } = runtime
  const unlock = lockDatabase(config.databasePath)
  const database = openDatabase(config.databasePath)
  const applied = migrate(database.sqlite, { now: clock.now() })
  if (applied.length > 0) log.info({ applied }, 'database migrated')

  const deps = { ...runtime, config, database }
  const services = createServices(deps)
  const worker = createWorker({ ...runtime, database, queue: services.queue })
  const cron = createCron([...createMaintenance(deps), ...services.maintenance], log)
  let draining = false
  const app = new Elysia({ name: 'server' })
    .use(
      createApp(deps, services, {
        draining: () => draining,
        notReady() {
          if (draining) return ['The server is about to stop.']
          const silentMs = clock.now() - worker.lastBeatAt
          return silentMs > WORKER_SILENT_MS ? ['The worker has stopped.'] : []
        },
      }),
    )
    .use(cron.plugin)
    .listen({
      hostname: config.host,
      port: config.port,
      maxRequestBodySize: MAX_BODY_BYTES,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
    })
  await worker.start({ alone: true })
  await services.billing.reconcile()

  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${app.server?.port}`,
    async stop() {
      draining = true
      log.info({ running: worker.running, drainSeconds: config.drainSeconds }, 'draining')
      await Promise.all([worker.stop(config.drainSeconds * SECOND), cron.stop()])
      services.eventHub.close()
      await app.stop(true)
      database.checkpoint()
      database.close()
      unlock()
    },
  }
}
