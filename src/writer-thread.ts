import './config/production-by-default.ts'
import type { Config } from './config/config.ts'
import { hostWriter, type WriterHost } from './database/writer-host.ts'
import { systemClock as clock } from './lib/clock.ts'
import { silentLog as log } from './lib/log.ts'
import { systemRandom as random } from './lib/random.ts'
import './maintenance.ts'
import './modules/health/readiness.ts'
import './plugins/idempotent-call.ts'
import { type ClaimWord, createClaimer } from './queue/claimer.ts'
import { CLAIMS } from './queue/claims.ts'
import './queue/worker.ts'
import { createServices } from './services.ts'

/**
 * The entry of the writer's own thread. It composes the same services as the main thread, of which only the
 * commands are run here; the modules imported for nothing have commands that no service holds.
 */
declare const self: Worker

let host: WriterHost | undefined

self.onmessage = ({ data }: MessageEvent<string>) => {
  let hear = (_text: string) => {}
  // Sent by `startWriterThread`.
  const config = JSON.parse(data) as Config
  host = hostWriter(config.databasePath, {
    post: (text) => self.postMessage(text),
    listen(listener) {
      hear = listener
    },
    // By the other end, when it has heard of it.
    async close() {},
  })
  const { database, words } = host
  createServices({ config, database, clock, random, log })
  const claim = createClaimer({ writer: database, clock }, (event) =>
    database.notifications.publish(CLAIMS, event),
  )
  words.subscribe(CLAIMS, (word) => claim(word as ClaimWord))
  host.start()
  self.onmessage = (message: MessageEvent<string>) => hear(message.data)
  self.postMessage('ready')
}
