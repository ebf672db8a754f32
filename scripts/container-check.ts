/**
 * `bun run check:container` builds the image with buildah, which needs no engine, and runs it: see
 * test/ops/container. The base with Bun is put together here from Debian and the pinned Bun, so that no
 * registry of images is asked. Needs root; takes a minute and a half, most of it fetching Debian. Where it
 * cannot be done it is skipped, saying why; `--report <file>` writes the results as JUnit.
 * `POLLUX_DEBIAN_ROOT` names a tree to use instead of making one.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')
const CA = process.env['NODE_EXTRA_CA_CERTS']
const given = Bun.argv.indexOf('--report')
const report = given > 0 ? Bun.argv[given + 1] : undefined
/** mmdebstrap takes half the time; either tree has what the build needs. */
const makers = [
  ['mmdebstrap', '--quiet', '--variant=essential', 'bookworm'],
  ['debootstrap', '--variant=minbase', 'bookworm'],
]

class Skip extends Error {}

const folder = await mkdtemp(join(tmpdir(), 'pollux-container-'))
// A store of its own: two runs at once do not meet, and nothing is left behind.
const store = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run')]
try {
  if (process.getuid?.() !== 0) throw new Skip('this needs root')
  if (!Bun.which('buildah')) throw new Skip('buildah is missing (apt-get install buildah)')
  makeBase(process.env['POLLUX_DEBIAN_ROOT'] ?? makeDebian())
  process.exitCode = await check()
} catch (error) {
  if (!(error instanceof Skip)) throw error
  console.log(`SKIPPED: the container is not checked, as ${error.message}.`)
} finally {
  if (Bun.which('buildah')) attempt(['buildah', ...store, 'rm', '--all'])
  await rm(folder, { recursive: true, force: true })
}

function makeDebian(): string {
  const maker = makers.find(([program = '']) => Bun.which(program))
  if (!maker) throw new Skip('mmdebstrap is missing (apt-get install mmdebstrap)')
  const tree = join(folder, 'debian')
  if (!attempt([...maker, tree])) throw new Skip(`${maker[0]} could not fetch Debian`)
  return tree
}

/** What `oven/bun` is elsewhere: a Debian with the pinned Bun in it. */
function makeBase(debian: string) {
  const base = buildah('from', 'scratch')
  buildah('add', '--quiet', base, debian, '/')
  if (!attempt(['buildah', ...store, 'run', '--isolation', 'chroot', base, 'true'])) {
    throw new Skip('this machine lets buildah isolate nothing')
  }
  buildah('copy', '--quiet', base, process.execPath, '/usr/local/bin/bun')
  if (CA) {
    // A network that looks into TLS has a certificate of its own.
    buildah('copy', '--quiet', base, CA, '/etc/ssl/certs/site.crt')
    buildah('config', '--env', 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/site.crt', base)
  }
  buildah('commit', '--quiet', base, 'localhost/pollux-bun')
}

/** Builds the image and runs its tests; gives their exit code. */
async function check(): Promise<number> {
  const options = ['--isolation', 'chroot', '--format', 'docker', '--layers=false']
  const bases = ['--build-arg', 'BUN_IMAGE=localhost/pollux-bun']
  buildah('bud', '--quiet', ...options, ...bases, '--tag', 'localhost/pollux', '.')
  const container = buildah('from', 'localhost/pollux')
  console.log(buildah('run', '--isolation', 'chroot', container, 'pollux', '--version'))
  const files = buildah('mount', container)
  const image = join(folder, 'image.json')
  await Bun.write(image, buildah('inspect', '--type', 'image', 'localhost/pollux'))
  const junit = report ? ['--reporter=junit', `--reporter-outfile=${report}`] : []
  return Bun.spawnSync([process.execPath, 'test', ...junit, './test/ops/container'], {
    cwd: root,
    env: { ...process.env, POLLUX_IMAGE: image, POLLUX_IMAGE_ROOT: files },
    stdio: ['ignore', 'inherit', 'inherit'],
  }).exitCode
}

function buildah(...args: string[]): string {
  const startedAt = performance.now()
  const command = ['buildah', ...store, ...args]
  const { exitCode, stdout } = Bun.spawnSync(command, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`$ buildah ${args.join(' ')} (${seconds} s)`)
  if (exitCode !== 0) throw new Error(`buildah ${args[0]} failed (${exitCode}): ${stdout}`)
  return stdout.toString().trim()
}

function attempt(command: string[]): boolean {
  const { success, stderr } = Bun.spawnSync(command, { stdio: ['ignore', 'ignore', 'pipe'] })
  if (!success) console.log(stderr.toString().trim())
  return success
}
