import { Database as Sqlite } from 'bun:sqlite'
import { rmSync } from 'node:fs'
import { sessions, users } from '#drizzle/schema.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { systemClock } from '#src/lib/clock.ts'
import { systemRandom } from '#src/lib/random.ts'
import { DAY } from '#src/lib/time.ts'
import { createTokens } from '#src/modules/auth/tokens.ts'
import type { Behaviour, Call } from '#standins/gemini/behaviour.ts'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { type ServerProcess, startServer } from '#test/support/server.ts'
import type { StormPlan } from './plan.ts'

const JWT_SECRET = 'c3Rvcm0tc2VjcmV0LW9ubHktZm9yLXRoaXMtdGVzdC1ydW4'

export interface StormWorld {
  /** Where clients send now; it changes when a server is replaced. */
  readonly url: string
  readonly path: string
  readonly calls: number
  /** The last words of servers that ended without having been killed; there must be none. */
  readonly deaths: string[]
  /** Lines in which a server said that a zombie's result was refused. */
  readonly refusals: number
  start(): Promise<ServerProcess>
  /** Starts a server and kills it after so long, whether it listens by then or not. */
  startAndKill(afterMs: number): Promise<void>
  /** Starts a second server on the same file, as an operator does who believes that the first one is dead. */
  takeOver(): Promise<ServerProcess>
  signIn(): Promise<string>
  /** A look from outside, as another process has it. */
  look(): Sqlite
  [Symbol.asyncDispose](): Promise<void>
}

/** A database in an empty folder, servers that come and go on it, and a provider that survives them. */
export async function createStormWorld(binary: string, plan: StormPlan): Promise<StormWorld> {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const gemini = createGeminiStandIn({ behave: createProvider(plan) })
  const started: ServerProcess[] = []
  const deaths: string[] = []
  let url = ''
  let people = 0
  const environment = {
    NODE_ENV: 'production',
    DATABASE_URL: path,
    JWT_SECRET,
    ACCESS_TTL_MINUTES: '1440',
    GEMINI_API_KEY: 'key-of-the-storm',
    GEMINI_BASE_URL: gemini.url,
    // A provider that says nothing must not hold up the storm for minutes.
    GEMINI_HEADERS_SECONDS: '10',
    GEMINI_SILENCE_SECONDS: '30',
    OTP_DELIVERY: 'log',
    AUTO_TITLE: 'false',
    BASIC_DAILY_PROMPTS: String(plan.dailyPrompts),
    // Each fault and each kill costs one.
    BASIC_DAILY_STARTS: '1000000',
    PROMPTS_PER_MINUTE: '1000000',
    MAX_PENDING_PROMPTS: '1000000',
    CONTEXT_TOKENS: '500',
    // The load of many users comes from a few.
    REQUESTS_PER_USER: '10000',
    STREAMS_PER_USER: '10000',
  }
  const serverOptions = { command: [binary, 'serve'], environment, cwd: folder.path }

  async function start(): Promise<ServerProcess> {
    // Every other server makes its commits on a thread of their own.
    const writer = { WRITER_THREAD: started.length % 2 === 0 ? 'always' : 'never' }
    const server = await startServer({
      ...serverOptions,
      environment: { ...environment, ...writer },
    })
    let isKilled = false
    const watched: ServerProcess = {
      ...server,
      stop(signal) {
        isKilled = true
        return server.stop(signal)
      },
    }
    void server.exited.then((code) => {
      if (!isKilled) deaths.push(`exit ${code}: ${server.lines.slice(-3).join(' | ')}`)
    })
    started.push(watched)
    url = server.url
    return watched
  }

  return {
    path,
    get url() {
      return url
    },
    deaths,
    get calls() {
      return gemini.calls.length
    },
    get refusals() {
      return started.flatMap(({ lines }) => lines.filter((line) => line.includes('result refused')))
        .length
    },
    start,
    async startAndKill(afterMs) {
      const child = Bun.spawn(serverOptions.command, {
        cwd: folder.path,
        env: { ...environment, HOST: '127.0.0.1', PORT: '0' },
        stdio: ['ignore', 'ignore', 'ignore'],
      })
      await Bun.sleep(afterMs)
      child.kill('SIGKILL')
      await child.exited
    },
    async takeOver() {
      // The lock of the first is on the file that was; the second one makes another.
      rmSync(`${path}-lock`, { force: true })
      return await start()
    },
    async signIn() {
      const database = openDatabase(path)
      // The server may be writing.
      database.sqlite.run('PRAGMA busy_timeout = 5000')
      const now = systemClock.now()
      const [userId, sessionId] = [systemRandom.id(now), systemRandom.id(now)]
      const phone = `+1202555${String(people++).padStart(4, '0')}`
      const row = { id: userId, phone, verifiedAt: now, createdAt: now, updatedAt: now }
      database.orm.insert(users).values(row).run()
      const times = { createdAt: now, lastUsedAt: now, expiresAt: now + DAY }
      database.orm
        .insert(sessions)
        .values({ id: sessionId, userId, ...times })
        .run()
      database.close()
      const tokens = createTokens({
        secret: JWT_SECRET,
        previousSecret: undefined,
        ttlMinutes: 1_440,
        clock: systemClock,
        random: systemRandom,
      })
      return await tokens.sign({ userId, sessionId })
    },
    look: () => new Sqlite(path, { readonly: true }),
    async [Symbol.asyncDispose]() {
      for (const server of started) await server.stop('SIGKILL')
      await gemini.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** What the provider does: the faults planned for a prompt, one a call, then its answer. */
function createProvider({ rooms }: StormPlan): (call: Call) => Behaviour {
  const planned = new Map(
    rooms.flatMap(({ prompts }) => prompts.map((prompt) => [prompt.number, prompt] as const)),
  )
  const calls = new Map<number, number>()
  return ({ prompt }) => {
    const number = numberOf(prompt)
    const plan = planned.get(number)
    if (!plan) return { kind: 'answer' }
    const call = calls.get(number) ?? 0
    calls.set(number, call + 1)
    const { answer: pieces, pieceDelayMs } = plan
    return plan.faults[call] ?? { kind: 'answer', pieces, pieceDelayMs }
  }
}

/** The number a prompt's text carries. */
export function numberOf(prompt: string): number {
  return Number(/^#(\d+) /.exec(prompt)?.[1] ?? -1)
}
