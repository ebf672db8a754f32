import { join } from 'node:path'
import { startServer } from '../../test/support/server.ts'
import { isInstalled, startPostgres, startRedis } from './servers.ts'
import { type BenchUser, JWT_SECRET } from './world.ts'

const PEERS = `${import.meta.dir}/../peers`

export interface Prototype {
  url: string
  /** Of its PostgreSQL. */
  database: string
  stop(): Promise<void>
}

/** Why there may be none. */
export const NO_PROTOTYPE =
  "The prototype's stack is skipped: it needs Debian's postgresql and redis-server, and `bun install` in bench/"

/**
 * The prototype's stack with its databases and the same people, rooms and messages; undefined where something is missing. With
 * Gemini's URL its second process answers the prompts.
 */
export async function startPrototype(options: {
  folder: string
  users: BenchUser[]
  messagesPerRoom: number
  geminiUrl?: string
}): Promise<Prototype | undefined> {
  if (!isInstalled('express')) return undefined
  const redis = await startRedis()
  if (!redis) return undefined
  const stops: (() => Promise<unknown>)[] = [() => redis.stop()]
  async function stop(): Promise<void> {
    for (const one of stops) await one()
  }
  try {
    const postgres = await startPostgres()
    if (!postgres) {
      await stop()
      return undefined
    }
    stops.push(() => postgres.stop())
    const database = `postgres://bench@127.0.0.1:${postgres.port}/postgres`
    await fill(database, options)
    const run = (script: string, ...rest: string[]) =>
      startServer({
        // Node, as the prototype ran; Bun where there is none.
        command: [
          Bun.which('node') ?? process.execPath,
          `${PEERS}/${script}`,
          database,
          String(redis.port),
          ...rest,
        ],
        environment: { NODE_ENV: 'production' },
      })
    const server = await run('prototype.mjs', JWT_SECRET)
    stops.unshift(() => server.stop('SIGKILL'))
    if (options.geminiUrl !== undefined) {
      const worker = await run('prototype-worker.mjs', options.geminiUrl)
      stops.unshift(() => worker.stop('SIGKILL'))
    }
    return { url: server.url, database, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function fill(
  database: string,
  options: { folder: string; users: BenchUser[]; messagesPerRoom: number },
): Promise<void> {
  const file = join(options.folder, 'users.json')
  await Bun.write(file, JSON.stringify(options.users))
  const child = Bun.spawn(
    [
      process.execPath,
      `${PEERS}/prototype-data.ts`,
      database,
      file,
      String(options.messagesPerRoom),
    ],
    { stdout: 'inherit', stderr: 'inherit' },
  )
  if ((await child.exited) !== 0) throw new Error('The prototype has no data')
}
