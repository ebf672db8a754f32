import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import type { Meters } from '#src/lib/meters.ts'
import type { Random } from '#src/lib/random.ts'
import type { Queue } from './queue.ts'

export interface WorkerDeps {
  database: Database
  queue: Queue
  clock: Clock
  random: Random
  log: Log
  meters?: Meters
}
