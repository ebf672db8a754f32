import { describe, expect, test } from 'bun:test'
import { Glob } from 'bun'
import { parseConfig } from '#src/config/config.ts'
import { options } from '#src/config/options.ts'
import { createGauges } from '#src/modules/metrics/gauges.ts'
import { createMetrics } from '#src/plugins/metrics.ts'
import { createTestApp } from '#test/support/test-app.ts'

const read = (path: string) => Bun.file(path).text()

/** Every metric there is, with the suffixes a histogram has. */
async function knownMetrics(): Promise<Set<string>> {
  const { database, clock } = createTestApp()
  const metrics = createMetrics()
  const countTiers = async () => ({ basic: 0, pro: 0 })
  for (const gauge of createGauges({
    database,
    clock,
    path: ':memory:',
    backupDir: '/backups',
    countTiers,
    pauses: async () => [],
  })) {
    metrics.watch(gauge)
  }
  const names = [...(await metrics.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return new Set(
    names.flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name],
    ),
  )
}

const metricsIn = (text: string) =>
  text.match(/\b(?:pollux|nodejs|process)_[a-z0-9_]*[a-z0-9]\b/g) ?? []

describe('What deploy/ names exists', () => {
  test('the metrics of the dashboard and of the alerts', async () => {
    const known = await knownMetrics()
    const dashboard = JSON.parse(await read('deploy/grafana-dashboard.json'))
    const expressions = dashboard.panels.flatMap((panel: { targets: { expr: string }[] }) =>
      panel.targets.map(({ expr }) => expr),
    )
    expect(expressions.length).toBeGreaterThan(15)
    const alerts = [...(await read('deploy/alerts.yml')).matchAll(/expr: (.*)/g)].map(
      ([, expr]) => expr,
    )
    expect(alerts.length).toBeGreaterThan(8)
    const named = metricsIn([...expressions, ...alerts].join('\n'))
    expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([])
  })

  test('the settings of the compose file and of the example environments', async () => {
    const names = Object.values(options).map(({ name }) => name)
    const example = await read('deploy/pollux.env.example')
    const given = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name ?? '')
    const compose = await read('compose.yaml')
    const service = compose.slice(compose.indexOf('  pollux:'), compose.indexOf('  caddy:'))
    const set = [...service.matchAll(/^ {6}([A-Z_]+): /gm)].map(([, name]) => name ?? '')
    expect([...given, ...set].filter((name) => !names.includes(name))).toEqual([])
    expect(given).toContain('JWT_SECRET')
  })

  test('an environment filled in from the example is complete', async () => {
    const example = await read('deploy/pollux.env.example')
    const lines = [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)]
    const filled = Object.fromEntries(
      lines.map(([, name, value]) => [
        name,
        value || 'ZmlsbGVkLWluLWJ5LXRoZS10ZXN0LWluc3RlYWQtb2YteW91',
      ]),
    )
    expect(() => parseConfig(filled)).not.toThrow()
  })

  test('every file that docs/operations.md names', async () => {
    const page = await read('docs/operations.md')
    const named = [
      ...page.matchAll(/\b(?:deploy|scripts)\/[\w.-]+\w|\bcompose\.yaml\b|\bDockerfile\b/g),
    ]
    const files = new Set<string>(await Array.fromAsync(new Glob('{deploy,scripts}/*').scan('.')))
    const own = ['deploy/pollux.env', 'deploy/litestream.env', 'compose.yaml', 'Dockerfile']
    expect(
      named.map(([name]) => name).filter((name) => !files.has(name) && !own.includes(name)),
    ).toEqual([])
  })

  test('every check of pollux doctor is listed, and no other', async () => {
    const page = await read('docs/operations.md')
    const sources = await Promise.all(
      [
        ...(await Array.fromAsync(new Glob('src/cli/doctor/*.ts').scan('.'))),
        'src/cli/doctor.ts',
        'src/modules/billing/doctor.ts',
        'src/modules/billing/doctor-online.ts',
      ].map(read),
    )
    const checks = [...sources.join('\n').matchAll(/(?:error|warning)\)?\(\s*'([a-z-]+)'/g)].map(
      ([, name]) => name,
    )
    expect(checks.length).toBeGreaterThan(20)
    const rows = page.slice(page.indexOf('| finding |'), page.indexOf('## Capacity'))
    const listed = [...rows.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name)
    expect([...listed].sort()).toEqual([...new Set(checks)].sort())
  })
})
