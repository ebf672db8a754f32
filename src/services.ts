import type { Config } from './config/config.ts'
import type { Database } from './database/open.ts'
import { deriveKey } from './lib/keys.ts'
import type { Maintenance } from './lib/maintenance.ts'
import type { Meters } from './lib/meters.ts'
import { createCursors } from './lib/page.ts'
import type { Runtime } from './lib/runtime.ts'
import { createAuthenticate } from './modules/auth/authenticate.ts'
import { createTokens } from './modules/auth/tokens.ts'
import { createRooms } from './modules/chatrooms/service.ts'
import { createRoomStore } from './modules/chatrooms/store.sqlite.ts'
import { createAuth } from './plugins/auth.ts'
import { createQueue } from './queue/queue.ts'

export interface Deps extends Runtime {
  config: Config
  database: Database
  /** Counts nothing where it is left out. */
  meters?: Meters
}

export type Services = ReturnType<typeof createServices>

/** Builds every store and service and registers every job kind: what the app, the worker and the commands share. */
export function createServices(deps: Deps) {
  const { config, database, clock, random } = deps
  const queue = createQueue({ clock })
  const cursors = createCursors(deriveKey(config.jwtSecret, 'cursor'))
  const tokens = createTokens({
    secret: config.jwtSecret,
    previousSecret: config.jwtSecretPrevious,
    ttlMinutes: config.accessTtlMinutes,
    clock,
    random,
  })
  const auth = createAuth(createAuthenticate({ database, tokens, clock }))
  const rooms = createRooms({
    store: createRoomStore(database, queue),
    clock,
    random,
    cursors,
    models: [config.geminiModel, ...config.geminiModels],
  })
  /** What the modules want done by the clock; serve runs it. */
  const maintenance: Maintenance[] = []
  return { queue, tokens, auth, rooms, maintenance }
}
