import { createApp } from './app.ts'
import type { Config } from './config/config.ts'
import { createNotifications } from './database/notifications.ts'
import { lockDatabase } from './database/sqlite/lock.ts'
import { openDatabase } from './database/sqlite/open.ts'
import { WRITER_FAULT } from './database/sqlite/remote-writer.ts'
import { upgrade } from './database/sqlite/upgrade.ts'
import { fromThrown, type Thrown } from './database/sqlite/wire.ts'
import { internal } from './lib/problem.ts'
import type { Runtime } from './lib/runtime.ts'
import { SECOND } from './lib/time.ts'
import { createMaintenance } from './maintenance.ts'
import { createReadiness } from './modules/health/readiness.ts'
import { createObservation } from './observation.ts'
import { createCron } from './plugins/cron.ts'
import { claimSlot } from './queue/cron-slot.ts'
import { createWorker } from './queue/worker.ts'
import { createServices } from './services.ts'
import { startWriterThread } from './writer-port.ts'

/** Above every limit of our own, so that too large a body meets our own 413 and not Bun's bare one. */
const MAX_BODY_BYTES = 8 * 1024 * 1024
/**
 * Streams send a heartbeat each 15 s and a long poll lasts 25 s; who is silent longer has gone. Bun counts the
 * sending of a body as silence, so that this is also the longest a slow one may take.
 */
const IDLE_TIMEOUT_SECONDS = 60
/** What answers have at a stop to get to their clients. */
const LAST_ANSWERS_MS = SECOND

export interface Server {
  url: string
  /**
   * Stops claiming jobs and accepting prompts, lets running replies finish for `DRAIN_SECONDS`, hands the
   * rest back, answers who waits, then closes connections and the database.
   */
  stop(): Promise<void>
}

/** The whole program in one process: HTTP, worker, cron. @throws DatabaseInUse, UnusableDatabase, DatabaseFromTheFuture */
export async function serve(
  config: Config,
  runtime: Runtime,
  { idleTimeoutSeconds = IDLE_TIMEOUT_SECONDS } = {},
): Promise<Server> {
  const { log, clock } = runtime
  const unlock = lockDatabase(config.databasePath)
  const path = config.databasePath
  const observation = await createObservation(config, runtime)
  const { metrics, meters, commitHealth } = observation
  const notifications = createNotifications((error, topic) =>
    log.error({ err: error, topic }, 'a listener failed'),
  )
  const database = openDatabase(path, observation.observer, notifications)
  upgrade(database, { path, backupDir: config.backupDir, now: clock.now(), log })
  observation.guard(database)
  notifications.subscribe(WRITER_FAULT, (thrown) => {
    // Sent by the thread itself.
    log.error({ err: fromThrown(thrown as Thrown) }, "the writer's thread met a fault")
  })
  // It starts while the services are built; what is committed meanwhile waits for it.
  const thread = config.writerThread === 'always' ? startWriterThread(config) : undefined
  if (thread) database.moveWriter(thread.port)

  const deps = { ...runtime, config, database, meters }
  const services = createServices(deps)
  const worker = createWorker({ ...runtime, database, queue: services.queue, meters })
  let draining = false
  const isDraining = () => draining
  const provider = services.provider.notReady
  const readiness = {
    database,
    path,
    commitHealth,
    clock,
    worker,
    log,
    provider,
    draining: isDraining,
  }
  const notReady = createReadiness(readiness)
  // So that the log tells of a fault, and a lost file is rescued, also while nobody asks.
  const lookAtOurselves = {
    name: 'readiness',
    pattern: '*/10 * * * * *',
    everywhere: true as const,
    run: notReady,
  }
  const tasks = [lookAtOurselves, ...createMaintenance(deps), ...services.maintenance]
  const cron = createCron(tasks, log, (task) => database.run(claimSlot, { task, now: clock.now() }))
  const seen = { draining: isDraining, notReady, ...(metrics && { metrics }) }
  await thread?.ready
  // On the application itself: an instance around it would bring its own strictness, which is none.
  const app = createApp(deps, services, seen)
    .use(cron.plugin)
    .listen({
      hostname: config.host,
      port: config.port,
      // Elysia's default lets a second server share the port and take half of the connections.
      reusePort: false,
      maxRequestBodySize: MAX_BODY_BYTES,
      idleTimeout: idleTimeoutSeconds,
      // Bun's own page for what is thrown outside of the application shows its source.
      development: false,
      error(error) {
        log.error({ err: error }, 'request failed outside of the application')
        return internal().respond('')
      },
    })
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${app.server?.port}`
  // Bun makes what outgoing requests need at the first of them, and ends the process where it then lacks a file
  // descriptor: here there are some.
  fetch.preconnect(url)
  await worker.start({ alone: true })
  await services.billing.reconcile()
  const closeMetrics = observation.watch(database, services.billing, services.provider.pauses)

  return {
    url,
    async stop() {
      draining = true
      log.info({ running: worker.running, drainSeconds: config.drainSeconds }, 'draining')
      await Promise.all([worker.stop(config.drainSeconds * SECOND), cron.stop()])
      services.eventHub.close()
      services.messages.endWaits()
      await sendLastAnswers(app.server)
      await Promise.all([app.stop(true), closeMetrics()])
      await database.bringWriterBack()
      try {
        database.checkpoint()
      } catch (error) {
        // The next start finds in the log what could not be moved into the file.
        log.warn({ err: error }, 'the write-ahead log could not be moved into the database')
      }
      database.close()
      unlock()
    },
  }

  /**
   * Closing a connection at once would cut off what is being answered on it. Where nothing is, Bun's `stop` would still
   * wait for whoever is merely connected.
   */
  async function sendLastAnswers(server: typeof app.server): Promise<void> {
    if (!server || server.pendingRequests === 0) return
    const late = Promise.withResolvers<void>()
    const cancel = clock.after(LAST_ANSWERS_MS, late.resolve)
    await Promise.race([server.stop(), late.promise])
    cancel()
  }
}
