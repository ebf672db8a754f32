import { existsSync } from 'node:fs'
import { type Config, parseConfig } from '#src/config/config.ts'
import { pendingMigrations } from '#src/database/sqlite/migrate.ts'
import { type Database, openDatabase } from '#src/database/sqlite/open.ts'
import { systemClock } from '#src/lib/clock.ts'
import { createLog } from '#src/lib/log.ts'
import { systemRandom } from '#src/lib/random.ts'
import { createServices, type Services } from '#src/services.ts'
import { Failure, type Terminal } from './terminal.ts'

export interface Context {
  config: Config
  database: Database
  services: Services
  /** The present, for commands that stamp. */
  now(): number
}

/**
 * Runs a command on the database, beside a running server if there is one: nothing here takes the
 * server's lock, works on jobs or ticks. @throws ConfigError; Failure where migrations are pending
 */
export async function withServices<T>(
  terminal: Terminal,
  run: (context: Context) => Promise<T>,
): Promise<T> {
  const { config } = parseConfig(terminal.environment)
  if (!existsSync(config.databasePath)) {
    throw new Failure(`There is no database at '${config.databasePath}'.`)
  }
  const runtime = { clock: systemClock, random: systemRandom, log: createLog('warn') }
  const database = openDatabase(config.databasePath)
  try {
    if (pendingMigrations(database.sqlite).length > 0) {
      throw new Failure(`'${config.databasePath}' has pending migrations. Run: pollux migrate`)
    }
    const services = createServices({ ...runtime, config, database })
    return await run({ config, database, services, now: () => systemClock.now() })
  } finally {
    database.close()
  }
}
