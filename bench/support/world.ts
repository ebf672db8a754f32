import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as schema from '../../drizzle/schema.ts'
import type { Orm } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/sqlite/migrate.ts'
import { openDatabase } from '../../src/database/sqlite/open.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { createTokens } from '../../src/modules/auth/tokens.ts'
import { fromSource, type ServerProcess, startServer } from '../../test/support/server.ts'

export const JWT_SECRET = 'YmVuY2htYXJrLXNlY3JldC1vbmx5LWZvci1tZWFzdXJpbmc'
const DAY = 86_400_000
const TITLE = { title: 'Trip to Bergen', titleFolded: 'trip to bergen', titleBy: 'person' } as const

/** A verified user with a living session and rooms of their own. */
export interface BenchUser {
  userId: string
  sessionId: string
  token: string
  rooms: string[]
}

export interface World {
  server: ServerProcess
  users: BenchUser[]
  folder: string
  databasePath: string
  stop(): Promise<void>
}

export interface WorldOptions {
  users: number
  roomsPerUser: number
  geminiUrl: string
  settings?: Record<string, string>
  /** How the server is started; from source by default. */
  command?: string[]
  /** More rows, before the server opens the file. */
  fill?: (orm: Orm, users: readonly BenchUser[]) => void
}

/**
 * A server process as in production on a fresh file, with people who need not log in. The log is at `info`,
 * and rooms are not named automatically, so that what is measured is the request and nothing beside it.
 */
export async function createWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'pollux-bench-'))
  const databasePath = join(folder, 'pollux.db')
  const users = await populate(databasePath, options)
  const server = await startBenchServer({ ...options, databasePath, cwd: folder })
  return {
    server,
    users,
    folder,
    databasePath,
    async stop() {
      await server.stop('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

let usual = fromSource

/** From here on servers are started so, unless told otherwise. */
export function useBinary(path: string): void {
  usual = [path]
}

/** The server as in production on a file that is there already. Says what it wrote when it ends unasked. */
export async function startBenchServer(options: {
  databasePath: string
  geminiUrl: string
  settings?: Record<string, string> | undefined
  /** As `useBinary` says; from source by default. */
  command?: string[] | undefined
  cwd: string
}): Promise<ServerProcess> {
  const server = await startServer({
    command: options.command ?? usual,
    cwd: options.cwd,
    environment: {
      NODE_ENV: 'production',
      DATABASE_URL: `file:${options.databasePath}`,
      JWT_SECRET,
      GEMINI_API_KEY: 'benchmark',
      GEMINI_BASE_URL: options.geminiUrl,
      OTP_DELIVERY: 'log',
      AUTO_TITLE: 'false',
      LOG_LEVEL: 'info',
      ACCESS_TTL_MINUTES: '600',
      BASIC_DAILY_PROMPTS: '1000000',
      // The load of many users comes from a few.
      REQUESTS_PER_USER: '10000',
      STREAMS_PER_USER: '10000',
      PROMPTS_PER_MINUTE: '1000000',
      SEARCHES_PER_MINUTE: '1000000',
      MAX_PENDING_PROMPTS: '1000000',
      USER_STORAGE_MB: '1000000',
      ...options.settings,
    },
  })
  let isStopping = false
  void server.exited.then((code) => {
    if (isStopping) return
    console.error(`The server ended by itself with ${code}:\n${server.lines.slice(-20).join('\n')}`)
  })
  return {
    ...server,
    async stop(signal) {
      isStopping = true
      return await server.stop(signal)
    },
  }
}

/** Signs as the server does. */
export function createBenchTokens() {
  return createTokens({
    secret: JWT_SECRET,
    previousSecret: undefined,
    ttlMinutes: 600,
    clock: systemClock,
    random: systemRandom,
  })
}

async function populate(path: string, options: WorldOptions): Promise<BenchUser[]> {
  const database = openDatabase(path)
  const now = systemClock.now()
  migrate(database.sqlite, { now })
  const tokens = createBenchTokens()
  const users: BenchUser[] = []
  const { sqlite, orm } = database
  const stamps = { createdAt: now, updatedAt: now }
  sqlite.run('BEGIN')
  for (let at = 0; at < options.users; at++) {
    const [userId, sessionId] = [systemRandom.id(now), systemRandom.id(now)]
    orm
      .insert(schema.users)
      .values({
        id: userId,
        phone: `+1202${String(at).padStart(7, '0')}`,
        verifiedAt: now,
        ...stamps,
      })
      .run()
    orm
      .insert(schema.sessions)
      .values({ id: sessionId, userId, createdAt: now, lastUsedAt: now, expiresAt: now + DAY })
      .run()
    const rooms = Array.from({ length: options.roomsPerUser }, () => systemRandom.id(now))
    for (const id of rooms) {
      orm
        .insert(schema.chatrooms)
        .values({ id, userId, ...TITLE, activeAt: now, ...stamps })
        .run()
    }
    users.push({ userId, sessionId, token: await tokens.sign({ userId, sessionId }), rooms })
  }
  options.fill?.(orm, users)
  sqlite.run('COMMIT')
  database.checkpoint()
  database.close()
  return users
}
