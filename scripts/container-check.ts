/**
 * `bun run check:container` builds the image with buildah, which needs no engine, and runs it: see
 * test/ops/container. The base with Bun is put together here from Debian and the pinned Bun, so that no
 * registry of images is asked. Needs root; takes some minutes the first time, so it is no part of `bun run ok`.
 * `POLLUX_DEBIAN_ROOT` names a debootstrap tree to use instead of making one.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')
const CA = process.env['NODE_EXTRA_CA_CERTS']

function run(command: string[], quiet = false): string {
  console.log(`$ ${command.join(' ')}`)
  const { exitCode, stdout } = Bun.spawnSync(command, {
    cwd: root,
    stdio: ['ignore', 'pipe', quiet ? 'ignore' : 'inherit'],
  })
  if (exitCode !== 0) throw new Error(`${command[0]} failed (${exitCode}): ${stdout}`)
  return stdout.toString().trim()
}

function skip(why: string): never {
  console.log(`SKIPPED: the container is not checked, ${why}.`)
  process.exit(0)
}

if (process.getuid?.() !== 0) skip('as this needs root')
if (!Bun.which('buildah')) skip('as buildah is missing (apt-get install buildah debootstrap)')

const folder = await mkdtemp(join(tmpdir(), 'pollux-container-'))
const debian = process.env['POLLUX_DEBIAN_ROOT'] ?? join(folder, 'debian')
if (!existsSync(debian)) {
  if (!Bun.which('debootstrap')) skip('as debootstrap is missing')
  run(['debootstrap', '--variant=minbase', 'bookworm', debian])
}

const made: string[] = []
try {
  const base = run(['buildah', 'from', 'scratch'])
  made.push(base)
  run(['buildah', 'add', '--quiet', base, debian, '/'])
  run(['buildah', 'copy', '--quiet', base, process.execPath, '/usr/local/bin/bun'])
  if (CA) {
    // A network that looks into TLS has a certificate of its own.
    run(['buildah', 'copy', '--quiet', base, CA, '/etc/ssl/certs/site.crt'])
    run(['buildah', 'config', '--env', 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/site.crt', base])
  }
  run(['buildah', 'commit', '--quiet', base, 'localhost/pollux-bun'])

  const options = ['--isolation', 'chroot', '--format', 'docker', '--layers=false']
  const bases = ['--build-arg', 'BUN_IMAGE=localhost/pollux-bun']
  run(['buildah', 'bud', '--quiet', ...options, ...bases, '--tag', 'localhost/pollux', '.'])
  console.log(run(['buildah', 'run', '--isolation', 'chroot', ...started(), 'pollux', '--version']))
  const container = made.at(-1) ?? ''
  const files = run(['buildah', 'mount', container])
  const image = run(['buildah', 'inspect', '--type', 'image', 'localhost/pollux'])
  await Bun.write(join(folder, 'image.json'), image)
  const tests = Bun.spawnSync([process.execPath, 'test', './test/ops/container'], {
    cwd: root,
    env: {
      ...process.env,
      POLLUX_IMAGE: join(folder, 'image.json'),
      POLLUX_IMAGE_ROOT: files,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.exitCode = tests.exitCode
} finally {
  for (const container of made) run(['buildah', 'rm', container], true)
  await rm(folder, { recursive: true, force: true })
}

function started(): string[] {
  const container = run(['buildah', 'from', 'localhost/pollux'])
  made.push(container)
  return [container]
}
