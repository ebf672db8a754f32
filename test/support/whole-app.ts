import type { Config } from '#src/config/config.ts'
import { createMetrics } from '#src/plugins/metrics.ts'
import { createTestApp } from './test-app.ts'

/** The application with every route that some setting switches on. */
export function createWholeApp(settings: Partial<Config> = {}) {
  return createTestApp(
    { metricsToken: 'a-token-of-the-operator-0123456789', ...settings },
    { metrics: createMetrics() },
  )
}
