import { sessions, users } from '#drizzle/schema.ts'
import { createApp } from '#src/app.ts'
import { type Config, parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { insertInto, statement } from '#src/database/statement.ts'
import { command } from '#src/database/steps.ts'
import { type Log, silentLog } from '#src/lib/log.ts'
import type { FieldError } from '#src/lib/problem.ts'
import { DAY } from '#src/lib/time.ts'
import type { Metrics } from '#src/plugins/metrics.ts'
import { createServices } from '#src/services.ts'
import { openTestDatabase } from './async-database.ts'
import { type Contract, createContract } from './contract.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'
import { checkPlainData } from './plain-data.ts'
import { createSeededRandom } from './seeded-random.ts'

/** Made once for the apps with GET /metrics and once for those without: all else is the same. */
const contracts = new Map<boolean, Promise<Contract>>()

/** What every refusal looks like. */
export interface ProblemJson {
  type: string
  title: string
  status: number
  detail: string
  instance: string
  errors?: FieldError[]
}

const insertUser = statement<{ userId: string; phone: string; now: number }>((p) =>
  insertInto(users, {
    id: p.userId,
    phone: p.phone,
    verifiedAt: p.now,
    createdAt: p.now,
    updatedAt: p.now,
  }),
)

const insertSession = statement<{
  sessionId: string
  userId: string
  now: number
  expiresAt: number
}>((p) =>
  insertInto(sessions, {
    id: p.sessionId,
    userId: p.userId,
    createdAt: p.now,
    lastUsedAt: p.now,
    expiresAt: p.expiresAt,
  }),
)

/** A command, so that it waits its turn beside a worker on every engine. */
const insertPerson = command(
  'test.insert-person',
  function* (tx, input: { userId: string; phone: string; sessionId: string; now: number }) {
    const { userId, phone, sessionId, now } = input
    yield* tx.run(insertUser, { userId, phone, now })
    yield* tx.run(insertSession, { sessionId, userId, now, expiresAt: now + 30 * DAY })
  },
)

/** For tests that send many prompts in no time. */
export const UNLIMITED = {
  basicDailyPrompts: 1_000_000,
  promptsPerMinute: 1_000_000,
  maxPendingPrompts: 1_000_000,
} satisfies Partial<Config>

export interface TestUser {
  userId: string
  sessionId: string
  /** That of a user whose number was never digested. */
  numberDigest: string
  token: string
}

/** The whole application on a private in-memory database with the real migrations; nothing listens, nothing ticks. */
export function createTestApp(
  settings: Partial<Config> = {},
  {
    seed = 1,
    log = silentLog,
    metrics,
    clock = createFakeClock(),
    opened = openTestDatabase(seed),
  }: { seed?: number; log?: Log; metrics?: Metrics; clock?: FakeClock; opened?: Database } = {},
) {
  const { config } = parseConfig({ NODE_ENV: 'test' })
  const random = createSeededRandom(seed)
  const database = checkPlainData(opened)
  migrate(database.sqlite, { now: clock.now() })
  const deps = {
    config: { ...config, ...settings },
    database,
    clock,
    random,
    log,
    ...(metrics && { meters: metrics.meters }),
  }
  const services = createServices(deps)
  const app = createApp(deps, services, { ...(metrics && { metrics }) })
  let people = 0

  /**
   * Sends a request as a client would: a body that is not a string goes as JSON. Every answer is held
   * against the OpenAPI document.
   */
  async function send(
    method: string,
    path: string,
    options: { token?: string | undefined; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const { token, body } = options
    const headers = new Headers(options.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array
    if (body !== undefined && !headers.has('content-type'))
      headers.set('content-type', 'application/json')
    const answer = await app.handle(
      new Request(`http://localhost${path}`, {
        method,
        headers,
        ...(body === undefined
          ? {}
          : { body: raw ? (body as string | Uint8Array) : JSON.stringify(body) }),
      }),
    )
    await (await contract()).check(method, path, answer)
    return answer
  }

  function contract(): Promise<Contract> {
    const isWatched = metrics !== undefined && deps.config.metricsToken !== undefined
    const known = contracts.get(isWatched) ?? createContract(app)
    contracts.set(isWatched, known)
    return known
  }

  /** A verified user with a living session, made without going through OTP. */
  async function signIn(): Promise<TestUser> {
    const now = clock.now()
    const userId = random.id(now)
    const sessionId = random.id(now)
    const phone = `+1202555${String(people++).padStart(4, '0')}`
    await database.run(insertPerson, { userId, phone, sessionId, now })
    const token = await services.tokens.sign({ userId, sessionId })
    return { userId, sessionId, numberDigest: userId, token }
  }

  return {
    app,
    services,
    database,
    clock,
    random,
    log: deps.log,
    config: deps.config,
    send,
    signIn,
  }
}

/** The body of an answer, as the type the test goes on to check. */
export async function json<T>(answer: Response | Promise<Response>): Promise<T> {
  return (await (await answer).json()) as T
}
