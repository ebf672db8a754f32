import { describe, expect, test } from 'bun:test'
import { cpSync } from 'node:fs'
import { BlockList } from 'node:net'
import { parseConfig } from '#src/config/config.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const hasCompose = Bun.which('docker-compose') !== null
if (!hasCompose) console.log('SKIPPED compose: docker-compose reads the file (apt-get install it)')

interface Service {
  image: string
  environment: Record<string, string>
  networks: { front: { ipv4_address?: string } | null }
  volumes: (string | { source: string; target: string })[]
  ports?: unknown[]
  read_only?: boolean
  cap_drop?: string[]
  stop_grace_period?: string
  user?: string
}

interface Compose {
  services: Record<'pollux' | 'caddy' | 'litestream', Service>
  networks: { front: { ipam: { config: { subnet: string; ip_range: string }[] } } }
}

/** compose.yaml as docker-compose understands it, with the examples of deploy/ filled in as the guide says. */
async function understood(): Promise<Compose> {
  await using folder = await temporaryFolder()
  cpSync('compose.yaml', folder.file('compose.yaml'))
  cpSync('deploy', folder.file('deploy'), { recursive: true })
  const example = await Bun.file('deploy/pollux.env.example').text()
  const secret = 'ZmlsbGVkLWluLWJ5LXRoZS10ZXN0LWluc3RlYWQtb2YteW91'
  await Bun.write(folder.file('deploy/pollux.env'), example.replaceAll(/=$/gm, `=${secret}`))
  cpSync('deploy/litestream.env.example', folder.file('deploy/litestream.env'))
  await Bun.write(folder.file('.env'), 'DOMAIN=chat.example.com\n')
  const command = ['docker-compose', '--project-directory', folder.path]
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [...command, '--file', folder.file('compose.yaml'), 'config'],
    { cwd: folder.path, env: { PATH: process.env['PATH'] ?? '' } },
  )
  expect([exitCode, stderr.toString()]).toEqual([0, ''])
  return Bun.YAML.parse(stdout.toString()) as Compose
}

/** The first version without a published advisory, of the images that compose.yaml starts (2026-11-28). */
const FIXED_IN = {
  // GHSA-5r3v-vc8m-m96g, GHSA-7r4p-vjf4-gxv4, GHSA-wwhq-w58m-w29c and others, up to 2.11.3.
  caddy: '2.11.4',
  // CVE-2024-41254, advisories of its dependencies and of Go, SQLite's WAL-reset corruption: up to 0.5.16.
  'litestream/litestream': '0.5.17',
}

test('the images that compose.yaml starts have no published advisory', async () => {
  const compose = await Bun.file('compose.yaml').text()
  for (const [image, fixed] of Object.entries(FIXED_IN)) {
    const version = new RegExp(`image: docker\\.io/(?:library/)?${image}:([\\d.]+)`).exec(
      compose,
    )?.[1]
    expect(Bun.semver.order(version ?? '0.0.0', fixed)).toBeGreaterThanOrEqual(0)
  }
})

describe.skipIf(!hasCompose)('The compose file', () => {
  test('starts a Pollux that the settings allow, and that believes Caddy alone', async () => {
    const { services, networks } = await understood()
    const { pollux, caddy } = services
    const { config } = parseConfig({ ...pollux.environment, NODE_ENV: 'production' })
    expect(config.publicUrl).toBe('https://chat.example.com')
    expect(config.trustedProxies).toEqual([caddy.networks.front?.ipv4_address ?? ''])
    // A second container of the program, `docker compose run`, must find a free address beside it.
    expect(pollux.networks.front).toBeNull()
    const { subnet = '', ip_range: handedOut = '' } = networks.front.ipam.config[0] ?? {}
    const address = caddy.networks.front?.ipv4_address ?? ''
    expect([subnet, handedOut].map((range) => isWithin(address, range))).toEqual([true, false])
    // The drain ends before whoever stops it loses patience.
    expect(Number.parseInt(pollux.stop_grace_period ?? '', 10)).toBeGreaterThan(config.drainSeconds)
    expect(config.backupDir).toBe('/backups')
  })

  test('lets nobody in but through Caddy, and gives the program no more than it needs', async () => {
    const { pollux, caddy, litestream } = (await understood()).services
    expect([pollux.ports, litestream.ports]).toEqual([undefined, undefined])
    expect(caddy.ports).toHaveLength(3)
    expect(pollux.read_only).toBe(true)
    expect(pollux.cap_drop).toEqual(['ALL'])
    expect(litestream.user).toBe('65532:65532')
    for (const { image } of [caddy, litestream]) expect(image).toMatch(/:\d+\.\d+\.\d+/)
  })

  test('gives every file to mount from this repository', async () => {
    const { services } = await understood()
    const mounts = Object.values(services).flatMap(({ volumes }) => volumes)
    const paths = mounts.map((mount) => (typeof mount === 'string' ? mount : mount.source))
    const own = paths.flatMap((path) => /\/(deploy\/[^:]+)/.exec(path)?.[1] ?? [])
    expect(own.sort()).toEqual(['deploy/Caddyfile', 'deploy/litestream.yml'])
    for (const path of own) expect(await Bun.file(path).exists()).toBe(true)
  })
})

function isWithin(address: string, range: string): boolean {
  const [network = '', bits = ''] = range.split('/')
  const list = new BlockList()
  list.addSubnet(network, Number(bits))
  return list.check(address)
}
