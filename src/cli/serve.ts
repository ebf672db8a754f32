import type { Command } from 'commander'
import { type Config, metricsHost, parseConfig } from '#src/config/config.ts'
import { systemClock } from '#src/lib/clock.ts'
import { createLog, type Log } from '#src/lib/log.ts'
import { systemRandom } from '#src/lib/random.ts'
import type { Runtime } from '#src/lib/runtime.ts'
import { MetricsPortRefused } from '#src/observation.ts'
import { type Server, serve } from '#src/serve.ts'
import { EXIT, Failure, type Terminal } from './terminal.ts'

export function addServe(program: Command, terminal: Terminal): void {
  program
    .command('serve', { isDefault: true })
    .description('run the server until SIGTERM or SIGINT (the default)')
    .action(() => run(terminal))
}

async function run(terminal: Terminal): Promise<void> {
  const { config, notices } = parseConfig(terminal.environment)
  const log = createLog(config.logLevel, { pretty: config.nodeEnv === 'development' })
  endOnUncaught(log)
  for (const notice of notices) log.warn(notice)
  const runtime = { clock: systemClock, random: systemRandom, log }
  if (config.nodeEnv !== 'development') {
    await untilSignal(await start(config, runtime), log)
    return
  }
  // Loaded here only, so that nothing of it runs in production.
  const { startStandIns } = await import('#standins/start.ts')
  const standIns = await startStandIns(config)
  const server = await start(standIns.config, runtime)
  await terminal.print(standIns.welcome(server.url))
  await untilSignal(server, log)
  await standIns.stop()
}

/** @throws Failure where a port cannot be had */
async function start(config: Config, runtime: Runtime): Promise<Server> {
  try {
    return await serve(config, runtime)
  } catch (error) {
    const refusal = explainListening(error, config)
    throw refusal === undefined ? error : new Failure(refusal)
  }
}

function explainListening(error: unknown, config: Config): string | undefined {
  const { cause, setting } =
    error instanceof MetricsPortRefused
      ? { cause: error.cause, setting: 'METRICS_PORT' as const }
      : { cause: error, setting: 'PORT' as const }
  const isMain = setting === 'PORT'
  const port = isMain ? config.port : config.metricsPort
  const address = isMain ? `HOST=${config.host}` : `METRICS_HOST=${metricsHost(config)}`
  // A file's error has these codes too.
  const isOurs = cause instanceof Error && 'syscall' in cause && cause.syscall === 'listen'
  switch (isOurs && 'code' in cause && cause.code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use. Stop what listens there, or set ${setting}.`
    case 'EACCES':
      return `This user may not listen on port ${port}.`
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return `This machine cannot listen on ${address}: it has no such address.`
    default:
      return undefined
  }
}

/**
 * What nobody caught ends the process, whose next start recovers: half of it may be broken, as when the writer's
 * thread is gone. Bun goes on instead while the entry module awaits something (docs/traps.md). A rejection that
 * nobody awaited has broken nothing, since what is kept is kept by transactions.
 */
function endOnUncaught(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'ended by an error that nobody caught')
    process.exit(EXIT.failed)
  })
  process.on('unhandledRejection', (error) => {
    log.error({ err: error }, 'a rejection that nobody awaited')
  })
}

/** Serves until a signal, then stops in good order; a second signal exits at once. */
async function untilSignal(server: Server, log: Log): Promise<void> {
  const asked = Promise.withResolvers<NodeJS.Signals>()
  let signals = 0
  for (const [signal, number] of [['SIGTERM', 15] as const, ['SIGINT', 2] as const]) {
    process.on(signal, () => {
      signals += 1
      if (signals > 1) process.exit(128 + number)
      asked.resolve(signal)
    })
  }
  log.info({ url: server.url, pid: process.pid }, 'listening')
  const signal = await asked.promise
  log.info({ signal }, 'stopping')
  await server.stop()
  log.info('stopped')
}
