import type { Config } from './config/config.ts'
import type { Database } from './database/sqlite/open.ts'
import type { Meters } from './lib/meters.ts'
import type { Runtime } from './lib/runtime.ts'

/** What the application is built from. */
export interface Deps extends Runtime {
  config: Config
  database: Database
  /** Counts nothing where it is left out. */
  meters?: Meters
}
