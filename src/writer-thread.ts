import './config/production-by-default.ts'
import type { Config } from './config/config.ts'
import { hostWriter } from './database/sqlite/writer-host.ts'
import { systemClock as clock } from './lib/clock.ts'
import { silentLog as log } from './lib/log.ts'
import { systemRandom as random } from './lib/random.ts'
import './maintenance.ts'
import './modules/health/readiness.ts'
import '#src/modules/idempotency/idempotent-call.ts'
import { hostClaimer } from './queue/claimer.ts'
import './queue/cron-slot.ts'
import './queue/worker.ts'
import { createServices } from './services.ts'

/**
 * The entry of the writer's own thread. It composes the same services as the main thread, of which only the
 * commands are run here; the modules imported for nothing have commands that no service holds.
 */
declare const self: Worker

self.onmessage = ({ data }: MessageEvent<string>) => {
  let hear = (_text: string) => {}
  // Sent by `startWriterThread`.
  const config = JSON.parse(data) as Config
  const host = hostWriter(config.databasePath, {
    post: (text) => self.postMessage(text),
    listen(listener) {
      hear = listener
    },
    // By the other end, when it has heard of it.
    async close() {},
  })
  createServices({ config, database: host.database, clock, random, log })
  hostClaimer(host, clock)
  host.start()
  self.onmessage = (message: MessageEvent<string>) => hear(message.data)
  self.postMessage('ready')
}
