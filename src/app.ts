import { Elysia } from 'elysia'
import { createChatrooms } from './modules/chatrooms/index.ts'
import { createHealth } from './modules/health/index.ts'
import { createDrain } from './plugins/drain.ts'
import { createProblems } from './plugins/problem.ts'
import { createMethodsOf } from './plugins/routes.ts'
import type { Deps, Services } from './services.ts'

export interface AppOptions {
  /** Names what is not ready; nothing when all is. */
  notReady?: () => string[]
  /** True while the server lets running replies finish and accepts no new ones. */
  draining?: () => boolean
}

/** The HTTP application: plugins, then modules. Listens to nothing, starts no timer, reads no environment. */
export function createApp(deps: Deps, services: Services, options: AppOptions = {}) {
  const { log } = deps
  const { auth } = services
  const routes: { method: string; path: string }[] = []
  // Not normalised: an unknown field is refused, never silently dropped. Strict paths: one URL a resource.
  const app = new Elysia({ name: 'pollux', normalize: false, strictPath: true })
    .use(createProblems({ log, methodsOf: createMethodsOf(routes) }))
    .use(createDrain({ draining: options.draining ?? (() => false) }))
    .use(createHealth({ check: options.notReady ?? (() => []) }))
    .use(createChatrooms({ auth, rooms: services.rooms }))
  routes.push(...app.routes)
  return app
}

export type App = ReturnType<typeof createApp>
