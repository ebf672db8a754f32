import type { Behaviour, Call as ModelCall } from '#standins/gemini/behaviour.ts'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import { type Answer, type Call, call } from '#test/support/client.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { type ServerProcess, startServer } from '#test/support/server.ts'

/** How the program is started: from source, or as the binary. */
export interface Launch {
  command: string[]
  /** Environment of every server of the suite. */
  environment?: Record<string, string>
  /** Called after the last test. */
  remove?: () => Promise<void>
}

const JWT_SECRET = 'ZW5kLXRvLWVuZC1zZWNyZXQtb25seS1mb3ItdGVzdHM'

export interface WorldOptions {
  /** What Gemini does. */
  behave?: (call: ModelCall) => Behaviour
  /** Environment of the server, over what a test needs. */
  settings?: Record<string, string>
}

/** A server process on files of its own in an empty folder, with a scripted Gemini beside it. */
export async function createWorld(launch: Launch, { behave, settings = {} }: WorldOptions = {}) {
  const folder = await temporaryFolder()
  const gemini = createGeminiStandIn(behave ? { behave } : {})
  let server: ServerProcess | undefined
  // Numbers reserved for fiction.
  let people = 100

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
        ...launch.environment,
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
    /** A path in the folder the server runs in; its database is `data/pollux.db`. */
    file: folder.file,
    get server() {
      return running()
    },
    call: <T>(method: string, path: string, options?: Call): Promise<Answer<T>> =>
      call<T>(running().url, method, path, options),
    /** Signs up, proves the number by the code, and gives the access token. */
    async signIn(): Promise<string> {
      const here = running().url
      const phone = `+1202555${String(people++).padStart(4, '0')}`
      await call(here, 'POST', '/v1/auth/signup', { body: { phone } })
      const sent = await call<{ otp: string }>(here, 'POST', '/v1/auth/send-otp', {
        body: { phone },
      })
      const verified = await call<{ token: string }>(here, 'POST', '/v1/auth/verify-otp', {
        body: { phone, otp: sent.body.otp },
      })
      if (verified.status !== 200) throw new Error(`Cannot sign in: ${JSON.stringify(verified)}`)
      return verified.body.token
    },
    async [Symbol.asyncDispose]() {
      await server?.stop('SIGKILL')
      await gemini.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export type World = Awaited<ReturnType<typeof createWorld>>
