import type { Command } from 'commander'
import { createApp } from '#src/app.ts'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { systemClock } from '#src/lib/clock.ts'
import { silentLog } from '#src/lib/log.ts'
import { systemRandom } from '#src/lib/random.ts'
import { createServices } from '#src/services.ts'
import { Failure, type Terminal } from './terminal.ts'

export function addOpenapi(program: Command, terminal: Terminal): void {
  program
    .command('openapi')
    .description('print the OpenAPI document of this version, every route; needs no configuration')
    .action(() => run(terminal))
}

async function run(terminal: Terminal): Promise<void> {
  // With every route that some setting switches on; else settings and data do not change the document.
  const { config } = parseConfig({ NODE_ENV: 'test', METRICS_TOKEN: 'any' })
  const { createMetrics } = await import('#src/plugins/metrics.ts')
  const database = openDatabase(':memory:')
  try {
    migrate(database.sqlite, { now: systemClock.now() })
    const deps = { config, database, clock: systemClock, random: systemRandom, log: silentLog }
    const app = createApp(deps, createServices(deps), { metrics: createMetrics() })
    const answer = await app.handle(new Request('http://localhost/swagger/json'))
    if (!answer.ok) throw new Failure(`The document could not be made: ${answer.status}`)
    await terminal.print(JSON.stringify(await answer.json(), null, 2))
  } finally {
    database.close()
  }
}
