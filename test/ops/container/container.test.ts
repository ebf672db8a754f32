import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Message } from '#src/modules/messages/model.ts'
import { createWorld } from '#test/e2e/world.ts'
import { createPerson, isGreen, missing, readyz, until } from '#test/ops/faults/chat.ts'

/** Given by scripts/container-check.ts: what buildah tells of the image, and its files. */
const image = process.env['POLLUX_IMAGE']
const root = process.env['POLLUX_IMAGE_ROOT'] ?? ''
if (!image) console.log('SKIPPED container: run `bun run check:container`, which builds the image')

interface Inspected {
  Docker: {
    config: {
      User: string
      Env: string[]
      Entrypoint: string[]
      Cmd: string[]
      StopSignal: string
      Volumes: Record<string, unknown>
      ExposedPorts: Record<string, unknown>
      Labels: Record<string, string>
      Healthcheck?: { Test: string[] }
    }
  }
}

const MB = 1_000_000

/**
 * Runs a command as an engine would run the image: its files read-only but for its two volumes, as its user,
 * alone in its process namespace, so that it is PID 1.
 */
function inContainer(volumes: string, ...command: string[]): string[] {
  const script = `set -e
    mount --make-rprivate /
    mount --bind "$ROOT" "$ROOT"
    mkdir -p "$ROOT/proc" "$ROOT/dev"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount --bind "$VOLUMES/data" "$ROOT/data"
    mount --bind "$VOLUMES/backups" "$ROOT/backups"
    mount -o remount,ro,bind "$ROOT"
    cd "$ROOT/data"
    unset ROOT VOLUMES
    exec chroot --userspec=65532:65532 "$1" "\${@:2}"`
  const isolate = ['unshare', '--mount', '--pid', '--fork', '--kill-child']
  return [
    'env',
    `ROOT=${root}`,
    `VOLUMES=${volumes}`,
    ...isolate,
    'bash',
    '-c',
    script,
    'bash',
    root,
    ...command,
  ]
}

describe.skipIf(!image)('The image', () => {
  test('says how it is to be run', async () => {
    const { config } = ((await Bun.file(image ?? '').json()) as Inspected).Docker
    expect(config.User).toBe('65532:65532')
    expect(config.StopSignal).toBe('SIGTERM')
    expect(config.Entrypoint).toEqual(['/usr/local/bin/pollux'])
    expect(Object.keys(config.Volumes)).toEqual(['/data'])
    expect(Object.keys(config.ExposedPorts)).toEqual(['3000/tcp'])
    expect(config.Healthcheck?.Test).toEqual(['CMD', '/usr/local/bin/pollux', 'healthcheck'])
    expect(config.Env).toContain('NODE_ENV=production')
    expect(config.Labels['org.opencontainers.image.title']).toBe('Pollux')
  })

  test('holds the Bun runtime and at most 30 MB more, and no shell', () => {
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    )
    const bytes = files.reduce(
      (sum, file) => sum + statSync(join(file.parentPath, file.name)).size,
      0,
    )
    const runtime = statSync(process.execPath).size
    console.log(`image ${(bytes / MB).toFixed(1)} MB, Bun runtime ${(runtime / MB).toFixed(1)} MB`)
    expect(bytes).toBeLessThan(runtime + 30 * MB)
    expect(files.map(({ name }) => name)).not.toContain('sh')
  })

  test('runs as its user on read-only files, is healthy, drains at SIGTERM, a new container finds the data, and a backup comes back', async () => {
    const pieces = Array.from({ length: 8 }, (_, at) => `piece ${at} `)
    const command: string[] = []
    const settings = {
      DATABASE_URL: 'file:/data/pollux.db',
      BASIC_DAILY_PROMPTS: '100',
      MAX_PENDING_PROMPTS: '100',
      PROMPTS_PER_MINUTE: '1000',
      GEMINI_API_KEY: 'x',
      // Its entry is a file of its own within the binary.
      WRITER_THREAD: 'always',
    }
    await using world = await createWorld(
      { command },
      { settings, behave: () => ({ kind: 'answer', pieces, pieceDelayMs: 150 }) },
    )
    const volumes = world.file('volumes')
    for (const name of ['data', 'backups']) {
      mkdirSync(join(volumes, name), { recursive: true })
      chownSync(join(volumes, name), 65532, 65532)
    }
    const data = join(volumes, 'data')
    const pollux = (environment: Record<string, string>, ...args: string[]) =>
      Bun.spawnSync(inContainer(volumes, '/usr/local/bin/pollux', ...args), {
        env: { PATH: process.env['PATH'] ?? '', ...environment },
      })
    command.push(...inContainer(volumes, '/usr/local/bin/pollux', 'serve'))
    const server = await world.start()

    const inside = childOf(server.pid)
    const status = await Bun.file(`/proc/${inside}/status`).text()
    expect(status).toMatch(/^Uid:\s+65532\s+65532/m)
    expect(status).toMatch(/^NSpid:\s+\d+\s+1$/m)
    const mounts = await Bun.file(`/proc/${inside}/mounts`).text()
    expect(mounts).toMatch(/^\S+ \/ \S+ ro,/m)
    await until(() => readyz(world), isGreen)
    const health = pollux({ PORT: new URL(server.url).port }, 'healthcheck')
    expect(health.stdout.toString()).toContain('ready')
    expect(health.exitCode).toBe(0)

    const person = await createPerson(world)
    expect(await person.prompt()).toBe(202)
    const replyId = person.acknowledged.at(-1)
    await until(
      () => world.call<Message>('GET', `${person.path}/${replyId}`, { token: person.token }),
      ({ body }) => body.status === 'streaming',
    )
    const here = { DATABASE_URL: settings.DATABASE_URL }
    expect(pollux(here, 'backup', '/backups/now.db').exitCode).toBe(0)
    process.kill(inside, 'SIGTERM')
    expect(await server.exited).toBe(0)
    expect(server.lines.join('\n')).toContain('draining')
    // The reply was finished within the drain, and not by the next start.
    expect(statusOf(join(data, 'pollux.db'), replyId)).toBe('complete')
    expect(missing(join(data, 'pollux.db'), person.acknowledged)).toEqual([])
    expect(missing(join(volumes, 'backups/now.db'), person.acknowledged)).toEqual([])

    const second = await world.start()
    // The tool in between cannot pass a kill on to a program of another user.
    await using _ended = {
      [Symbol.asyncDispose]: async () => {
        const inner = childOf(second.pid)
        if (inner > 0) process.kill(inner, 'SIGKILL')
        await second.exited
      },
    }
    await until(() => readyz(world), isGreen)
    const reply = await until(
      () => world.call<Message>('GET', `${person.path}/${replyId}`, { token: person.token }),
      ({ body }) => body.status === 'complete',
    )
    expect(reply.body.content).toContain('piece 7')

    process.kill(childOf(second.pid), 'SIGTERM')
    expect(await second.exited).toBe(0)
    const restored = pollux(here, 'restore', '/backups/now.db')
    expect([restored.exitCode, restored.stderr.toString()]).toEqual([0, ''])
    expect(missing(join(data, 'pollux.db'), person.acknowledged)).toEqual([])
  }, 60_000)
})

/** The program itself, below the tool that isolates it. */
function childOf(pid: number): number {
  const children = Bun.spawnSync(['cat', `/proc/${pid}/task/${pid}/children`])
    .stdout.toString()
    .trim()
  return Number(children.split(' ')[0])
}

function statusOf(path: string, messageId: string | undefined): string | undefined {
  const sqlite = new Sqlite(path, { readwrite: true, create: false })
  const find = sqlite.query<{ status: string }, [string]>(
    'SELECT status FROM messages WHERE id = ?',
  )
  const status = find.get(messageId ?? '')?.status
  sqlite.close()
  return status
}
