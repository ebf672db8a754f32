import { existsSync, readdirSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A server of Debian's packages on a free port in a temporary folder. */
export interface BorrowedServer {
  port: number
  stop(): Promise<void>
}

/** Redis as BullMQ's documentation asks for: append-only file, synced once a second. Undefined where it is missing. */
export async function startRedis(): Promise<BorrowedServer | undefined> {
  if (!Bun.which('redis-server')) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'pollux-redis-'))
  const port = await freePort()
  const child = Bun.spawn(
    [
      'redis-server',
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'],
    ],
    { stdout: 'ignore', stderr: 'ignore' },
  )
  await untilOpen(port)
  return {
    port,
    async stop() {
      child.kill()
      await child.exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL with its own defaults (durable); run as its own user, since it refuses root. */
export async function startPostgres(): Promise<BorrowedServer | undefined> {
  const bin = postgresBin()
  if (!bin) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'pollux-postgres-'))
  const data = join(folder, 'data')
  await mkdir(data)
  const isRoot = process.getuid?.() === 0
  await chmod(folder, 0o755)
  if (isRoot) await run(['chown', 'postgres', data])
  const as = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
  await run([...as, `${bin}/initdb`, '-D', data, '-U', 'bench', '--auth=trust', '-E', 'UTF8'])
  const port = await freePort()
  const child = Bun.spawn(
    [
      ...as,
      `${bin}/postgres`,
      ...[
        '-D',
        data,
        '-p',
        String(port),
        '-h',
        '127.0.0.1',
        '-c',
        `unix_socket_directories=${data}`,
      ],
    ],
    { stdout: 'ignore', stderr: 'ignore', cwd: data },
  )
  await untilOpen(port)
  // It listens a moment before it takes queries.
  await Bun.sleep(1_000)
  return {
    port,
    async stop() {
      child.kill('SIGINT')
      await child.exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function postgresBin(): string | undefined {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  const version = readdirSync(root).sort((a, b) => Number(b) - Number(a))[0]
  return version && existsSync(`${root}/${version}/bin/initdb`)
    ? `${root}/${version}/bin`
    : undefined
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'pipe', cwd: '/' })
  if ((await child.exited) === 0) return
  throw new Error(`${command.join(' ')} failed:\n${await new Response(child.stderr).text()}`)
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

async function untilOpen(port: number): Promise<void> {
  const deadline = performance.now() + 30_000
  while (performance.now() < deadline) {
    try {
      const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } })
      socket.end()
      return
    } catch {
      await Bun.sleep(50)
    }
  }
  throw new Error(`Nothing listens on port ${port}`)
}

/** Whether a peer's package is there. */
export function isInstalled(name: string): boolean {
  return existsSync(`${import.meta.dir}/../node_modules/${name}`)
}
