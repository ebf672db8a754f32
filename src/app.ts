import { Elysia } from 'elysia'
import { createIdempotentCall } from '#src/modules/idempotency/idempotent-call.ts'
import type { Config } from './config/config.ts'
import { createInFlight } from './lib/in-flight.ts'
import { noMeters } from './lib/meters.ts'
import { createAuthRoutes } from './modules/auth/index.ts'
import { createSessionRoutes } from './modules/auth/session-routes.ts'
import { createBillingRoutes, WEBHOOK_PATH } from './modules/billing/index.ts'
import { createChatrooms } from './modules/chatrooms/index.ts'
import { createEventRoutes } from './modules/events/index.ts'
import { createHealth } from './modules/health/index.ts'
import { createMessageRoutes } from './modules/messages/index.ts'
import { createMetricsRoute } from './modules/metrics/index.ts'
import { createSearchRoutes } from './modules/search/index.ts'
import { createUserRoutes } from './modules/users/index.ts'
import { createCors } from './plugins/cors.ts'
import { createCrossSite } from './plugins/cross-site.ts'
import type { Described } from './plugins/docs/types.ts'
import { createDocs } from './plugins/docs.ts'
import { createDrain } from './plugins/drain.ts'
import type { Metrics } from './plugins/metrics.ts'
import { createProblems } from './plugins/problem.ts'
import { createProblemPages } from './plugins/problem-pages.ts'
import { createRequestLog } from './plugins/request-log.ts'
import { createMethodsOf } from './plugins/routes.ts'
import { createSecurityHeaders } from './plugins/security-headers.ts'
import { createTarget } from './plugins/target.ts'
import type { Deps, Services } from './services.ts'

export interface AppOptions {
  /** Names what is not ready; nothing when all is. */
  notReady?: () => string[] | Promise<string[]>
  /** True while the server lets running replies finish and accepts no new ones. */
  draining?: () => boolean
  /** Without them, or without METRICS_TOKEN, there is no GET /metrics here. */
  metrics?: Metrics
}

/** The HTTP application: plugins, then modules. Listens to nothing, starts no timer, reads no environment. */
export function createApp(deps: Deps, services: Services, options: AppOptions = {}) {
  const { config, log } = deps
  const { auth, origins, accounts, reproof, sessions, users } = services
  const idempotently = createIdempotentCall(deps)
  const described: Described = { routes: [] }
  const methodsOf = createMethodsOf(() => described.routes)
  // Not normalised: an unknown field is refused, never silently dropped. Strict paths: one URL a resource.
  // The short host names of a private network (`http://api/`) are read like all others.
  const app = new Elysia({
    name: 'pollux',
    normalize: false,
    strictPath: true,
    handler: { standardHostname: false },
  })
    .use(createRequestLog({ log, meters: deps.meters ?? noMeters }))
    .use(
      createProblems({
        log,
        methodsOf,
        rawPaths: [WEBHOOK_PATH],
      }),
    )
    .use(createSecurityHeaders())
    .use(createCors({ origins: config.corsOrigins }))
    .use(createTarget({ methodsOf }))
    .use(createCrossSite({ origins: config.corsOrigins, onlyHosts: developmentHosts(config) }))
    .use(createDrain({ draining: options.draining ?? (() => false) }))
    .use(
      createDocs({
        described,
        origins,
        clock: deps.clock,
        readers: createInFlight({ name: 'documents', most: config.requestsPerUser }),
      }),
    )
    .use(createProblemPages())
    .use(createHealth({ check: options.notReady ?? (() => []) }))
    .use(createAuthRoutes({ auth, origins, accounts, reproof, sessions, profile: users.read }))
    .use(createSessionRoutes({ auth, origins, sessions }))
    .use(
      createUserRoutes({
        auth,
        origins,
        users,
        sendDeletionCode: reproof.sendDeletionCode,
        idempotently,
      }),
    )
    .use(createChatrooms({ auth, rooms: services.rooms }))
    .use(createSearchRoutes({ auth, search: services.search }))
    .use(createEventRoutes({ auth, events: services.events }))
    .use(
      createMessageRoutes({
        auth,
        messages: services.messages,
        quotaHeaders: services.quotas.headers,
        readQuota: services.quotas.read,
      }),
    )
    .use(
      createBillingRoutes({
        auth,
        billing: services.billing,
        idempotently,
        quota: services.quotas.read,
        limitsOf: services.billingLimits,
      }),
    )
  if (options.metrics && config.metricsToken !== undefined) {
    app.use(createMetricsRoute({ metrics: options.metrics, token: config.metricsToken }))
  }
  described.routes = app.routes
  return app
}

/** Undefined in production, where a proxy decides which names lead here. */
function developmentHosts(config: Config): string[] | undefined {
  if (config.nodeEnv !== 'development') return undefined
  return [config.host, new URL(config.publicUrl).host, ...config.developmentHosts]
}

/** For clients that take their types from the server (Eden). @public */
export type App = ReturnType<typeof createApp>
