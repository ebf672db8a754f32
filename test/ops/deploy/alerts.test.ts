import { expect, test } from 'bun:test'
import { createWorld } from '#test/e2e/world.ts'
import { createPerson, until } from '#test/ops/faults/chat.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { freePort } from '#test/support/free-port.ts'
import { fromSource } from '#test/support/server.ts'

const TESTS = 'test/ops/deploy/alerts.yml'
const TOKEN = 'metrics-token-of-the-scrape-0123456789'
const hasPrometheus = Bun.which('promtool') !== null && Bun.which('prometheus') !== null
if (!hasPrometheus) console.log('SKIPPED alerts: they are tried by promtool and prometheus')

const read = (path: string) => Bun.file(path).text()

function promtool(...args: string[]): { exitCode: number; out: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(['promtool', ...args])
  return { exitCode, out: `${stdout}${stderr}` }
}

test('every alert has a test that it fires, and one that it does not', async () => {
  const cases = await read(TESTS)
  const alerts = [...(await read('deploy/alerts.yml')).matchAll(/- alert: (\w+)/g)]
  expect(alerts.length).toBeGreaterThan(8)
  for (const [, name] of alerts) {
    expect(cases).toMatch(new RegExp(`alertname: ${name} }`))
    expect(cases).toMatch(new RegExp(`alertname: ${name}\\n +exp_alerts`))
  }
})

test.skipIf(!hasPrometheus)('the alerts fire when they should, by promtool', () => {
  expect(promtool('test', 'rules', TESTS)).toMatchObject({ exitCode: 0 })
})

test.skipIf(!hasPrometheus)('every expression of the dashboard is PromQL', async () => {
  await using folder = await temporaryFolder()
  const { panels } = JSON.parse(await read('deploy/grafana-dashboard.json'))
  const expressions: string[] = panels.flatMap((panel: { targets: { expr: string }[] }) =>
    panel.targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')),
  )
  const rules = expressions.map((expr, at) => ({ record: `panel:${at}`, expr }))
  await Bun.write(
    folder.file('rules.yml'),
    JSON.stringify({ groups: [{ name: 'dashboard', rules }] }),
  )
  const { out } = promtool('check', 'rules', folder.file('rules.yml'))
  expect(out).toContain(`${rules.length} rules found`)
})

interface Answer<T> {
  data: T
}
interface Target {
  health: string
  lastError: string
}
interface Rule {
  name: string
  health: string
  lastError?: string
}

test.skipIf(!hasPrometheus)(
  'Prometheus, started with deploy/prometheus.yml, scrapes the server and evaluates every rule',
  async () => {
    await using world = await createWorld(
      { command: fromSource },
      { settings: { METRICS_TOKEN: TOKEN } },
    )
    const server = await world.start()
    const person = await createPerson(world)
    expect(await person.prompt()).toBe(202)
    await Bun.write(world.file('token'), TOKEN)
    await Bun.write(world.file('alerts.yml'), await read('deploy/alerts.yml'))
    const config = (await read('deploy/prometheus.yml'))
      .replace('/etc/prometheus/pollux-token', world.file('token'))
      .replace('pollux:3000', new URL(server.url).host)
      .replace('scrape_interval: 15s', 'scrape_interval: 1s\n  evaluation_interval: 1s')
    await Bun.write(world.file('prometheus.yml'), config)
    expect(promtool('check', 'config', world.file('prometheus.yml'))).toMatchObject({ exitCode: 0 })

    const address = `127.0.0.1:${freePort()}`
    const prometheus = Bun.spawn(
      [
        'prometheus',
        `--config.file=${world.file('prometheus.yml')}`,
        `--storage.tsdb.path=${world.file('tsdb')}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: ['ignore', 'ignore', Bun.file(world.file('prometheus.log'))] },
    )
    const ask = <T>(path: string) =>
      fetch(`http://${address}/api/v1/${path}`)
        .then((answer) => answer.json())
        .then((answer) => (answer as Answer<T>).data)
        .catch(() => undefined)
    try {
      await until(
        () => ask<{ activeTargets: Target[] }>('targets'),
        (answer) => answer?.activeTargets[0]?.health === 'up',
      )
      const rulesNow = async () =>
        (await ask<{ groups: { rules: Rule[] }[] }>('rules'))?.groups.flatMap(({ rules }) => rules)
      const rules = await until(
        rulesNow,
        (all) => all?.every(({ health }) => health !== 'unknown') ?? false,
      )
      expect(rules?.filter(({ health }) => health !== 'ok')).toEqual([])
      expect(rules).toHaveLength((await read('deploy/alerts.yml')).split('- alert:').length - 1)
      const accepted = await until(
        () =>
          ask<{ result: { value: [number, string] }[] }>(
            'query?query=pollux_http_request_duration_seconds_count{route="/v1/chatroom/:id/message",status="202"}',
          ),
        (answer) => (answer?.result.length ?? 0) > 0,
      )
      expect(accepted?.result[0]?.value[1]).toBe('1')
    } finally {
      prometheus.kill()
      await prometheus.exited
    }
  },
  60_000,
)
