import type { Config } from './config/config.ts'
import { createRelief } from './database/load-monitor.ts'
import type { Database } from './database/sqlite/open.ts'
import { WRITER_FAULT } from './database/sqlite/remote-writer.ts'
import { fromThrown, type Thrown } from './database/sqlite/wire.ts'
import type { Log } from './lib/log.ts'
import { MINUTE } from './lib/time.ts'
import { startWriterThread } from './writer-port.ts'

export interface WriterMove {
  /** After each commit: how long it blocked the thread that made it, and when that was, in milliseconds of one clock. */
  committed(durationMs: number, atMs: number): void
  /** Moves the writer to a thread of its own, unless it is there. A thread that cannot be had is no fault. */
  move(): Promise<void>
  /** Brings it back, for good. */
  stop(): Promise<void>
}

/** Has commits made by another thread once they take too much of this one. */
export function createWriterMove(config: Config, database: Database, log: Log): WriterMove {
  let moving: Promise<void> | undefined
  let stopped = false
  /** Of the last commit. */
  let now = 0
  /** Whatever kept a thread from starting is not asked of each second. */
  let notBefore = 0
  const relief = createRelief(() => {
    if (now >= notBefore) void move()
  })
  database.notifications.subscribe(WRITER_FAULT, (thrown) => {
    log.error({ err: fromThrown(thrown as Thrown) }, "the writer's thread met a fault")
  })

  function move(): Promise<void> {
    if (database.thread || stopped) return Promise.resolve()
    moving ??= start().finally(() => {
      moving = undefined
    })
    return moving
  }

  async function start() {
    try {
      // Or the thread would open, and make, what is not our file.
      database.watch.check()
      const port = await startWriterThread(config)
      if (stopped) return await port.close()
      try {
        database.moveWriter(port)
      } catch (error) {
        await port.close()
        throw error
      }
      log.info('commits are made by a thread of their own from now on')
    } catch (error) {
      notBefore = now + MINUTE
      log.error({ err: error }, 'no thread for the commits; they go on being made here')
    }
  }

  return {
    move,
    async stop() {
      stopped = true
      await moving
      await database.bringWriterBack()
    },
    committed(durationMs, atMs) {
      now = atMs
      if (config.writerThread === 'auto') relief.committed(durationMs, atMs)
    },
  }
}
