import { sessions, users } from '#drizzle/schema.ts'
import { openDatabase } from '#src/database/open.ts'
import { systemClock } from '#src/lib/clock.ts'
import { systemRandom } from '#src/lib/random.ts'
import { DAY } from '#src/lib/time.ts'
import { createTokens } from '#src/modules/auth/tokens.ts'
import type { Behaviour, Call as ModelCall } from '#src/standins/gemini/behaviour.ts'
import { createGeminiStandIn } from '#src/standins/gemini/server.ts'
import { type Answer, type Call, call } from '#test/support/client.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { type ServerProcess, startServer } from '#test/support/server.ts'

/** How the program is started: from source, or as the binary. */
export interface Launch {
  command: string[]
  /** Called after the last test. */
  remove?: () => Promise<void>
}

const JWT_SECRET = 'end-to-end-secret-end-to-end-secret'

/** A server process on files of its own in an empty folder, with a scripted Gemini beside it. */
export async function createWorld(
  launch: Launch,
  {
    behave,
    settings = {},
  }: { behave?: (call: ModelCall) => Behaviour; settings?: Record<string, string> } = {},
) {
  const folder = await temporaryFolder()
  const gemini = createGeminiStandIn(behave ? { behave } : {})
  let server: ServerProcess | undefined

  async function start(): Promise<ServerProcess> {
    server = await startServer({
      command: launch.command,
      cwd: folder.path,
      environment: {
        NODE_ENV: 'test',
        JWT_SECRET,
        GEMINI_API_KEY: 'key-of-the-test',
        GEMINI_BASE_URL: gemini.url,
        AUTO_TITLE: 'false',
        ...settings,
      },
    })
    return server
  }

  const running = () => {
    if (!server) throw new Error('The server of this world has not been started')
    return server
  }

  return {
    start,
    gemini,
    get server() {
      return running()
    },
    call: <T>(method: string, path: string, options?: Call): Promise<Answer<T>> =>
      call<T>(running().url, method, path, options),
    /** A verified user with a living session, written beside the server: not every test is about logging in. */
    async signIn(): Promise<string> {
      const database = openDatabase(folder.file('data/pollux.db'))
      // The server may be writing; a test may wait for it.
      database.sqlite.run('PRAGMA busy_timeout = 5000')
      const now = systemClock.now()
      const [userId, sessionId] = [systemRandom.id(now), systemRandom.id(now)]
      const times = { createdAt: now, updatedAt: now }
      const phone = `+1202555${String(systemRandom.int(10_000)).padStart(4, '0')}`
      database.orm
        .insert(users)
        .values({ id: userId, phone, verifiedAt: now, ...times })
        .run()
      database.orm
        .insert(sessions)
        .values({ id: sessionId, userId, createdAt: now, lastUsedAt: now, expiresAt: now + DAY })
        .run()
      database.close()
      const tokens = createTokens({
        secret: JWT_SECRET,
        previousSecret: undefined,
        ttlMinutes: 20,
        clock: systemClock,
        random: systemRandom,
      })
      return await tokens.sign({ userId, sessionId })
    },
    async [Symbol.asyncDispose]() {
      await server?.stop('SIGKILL')
      await gemini.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export type World = Awaited<ReturnType<typeof createWorld>>
