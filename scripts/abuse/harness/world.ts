import { Database as Sqlite } from 'bun:sqlite'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import { createSmsStandIn } from '#standins/sms/server.ts'
import { createStripeStandIn, STAND_IN_PRICE } from '#standins/stripe/server.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { freePort } from '#test/support/free-port.ts'
import { behave, countAttackCalls } from './provider.ts'

// Made anew, as production refuses secrets that were published.
const [SECRET, METRICS_TOKEN, WEBHOOK_SECRET] = [secret(), secret(), `whsec_${secret()}`]
const START_DEADLINE_MS = 20_000
const CODE_DEADLINE_MS = 10_000
const IDLE_DEADLINE_MS = 60_000

/** What a server took so far. */
export interface Usage {
  attackCalls: number
  stripeCalls: number
  /** The database with its log. */
  fileBytes: number
  /** Highest so far. */
  residentBytes: number
}

export type World = Awaited<ReturnType<typeof createAbuseWorld>>

/**
 * The binary as in production, alone on a database in an empty folder, behind a proxy that it trusts, with everything
 * that is outside of it on loopback.
 */
export async function createAbuseWorld(binary: string, settings: Record<string, string>) {
  const folder = await temporaryFolder()
  const database = folder.file('pollux.db')
  const gemini = createGeminiStandIn({ behave })
  const stripe = createStripeStandIn({ webhookSecret: WEBHOOK_SECRET })
  const sms = createSmsStandIn({ secret: WEBHOOK_SECRET })
  const port = freePort()
  const url = `http://127.0.0.1:${port}`
  const [today, earlier] = twoZones(new Date().getUTCHours())
  const environment: Record<string, string> = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: `file:${database}`,
    JWT_SECRET: SECRET,
    METRICS_TOKEN,
    TRUSTED_PROXIES: '127.0.0.1',
    GEMINI_API_KEY: 'key',
    GEMINI_BASE_URL: gemini.url,
    STRIPE_SECRET_KEY: 'sk_test_abuse',
    STRIPE_WEBHOOK_SECRETS: WEBHOOK_SECRET,
    STRIPE_PRO_PRICES: STAND_IN_PRICE.id,
    STRIPE_API_BASE: stripe.url,
    OTP_DELIVERY: 'webhook',
    OTP_WEBHOOK_URL: sms.webhookUrl,
    OTP_WEBHOOK_SECRET: WEBHOOK_SECRET,
    QUOTA_TIMEZONE: today,
    ...settings,
  }
  const lifted = {
    BASIC_DAILY_PROMPTS: '100000',
    PROMPTS_PER_MINUTE: '100000',
    MAX_PENDING_PROMPTS: '100000',
    QUOTA_TIMEZONE: earlier,
    AUTO_TITLE: 'false',
  }
  let server: Bun.Subprocess | undefined

  // What a person does with a phone, and the time that passes between two codes.
  const outside = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 30,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url)
      if (pathname === '/skip-cooldowns') return skipCooldowns()
      const code = await codeOf(searchParams.get('phone'), Number(searchParams.get('since')))
      return Response.json({ code })
    },
  })

  function skipCooldowns(): Response {
    const file = new Sqlite(database)
    file.run('PRAGMA busy_timeout = 5000')
    file.run(`DELETE FROM rate_limits WHERE key LIKE 'resend-%' OR key LIKE 'codes-number%'`)
    file.close()
    return new Response()
  }

  async function codeOf(phone: string | null, since: number): Promise<string> {
    const deadline = performance.now() + CODE_DEADLINE_MS
    while (performance.now() < deadline) {
      const sent = sms.messages.findLast(({ to, at }) => to === phone && at.getTime() >= since)
      const code = /\b\d{6}\b/.exec(sent?.text ?? '')?.[0]
      if (code !== undefined) return code
      await Bun.sleep(5)
    }
    return ''
  }

  async function start(): Promise<void> {
    // Its log goes to a file: through a pipe it could wait for this process to read it.
    server = Bun.spawn([binary, 'serve'], {
      env: environment,
      cwd: folder.path,
      stdio: ['ignore', Bun.file(folder.file('log')), Bun.file(folder.file('errors'))],
    })
    const deadline = performance.now() + START_DEADLINE_MS
    while (performance.now() < deadline && server.exitCode === null) {
      const answer = await fetch(`${url}/readyz`).catch(() => undefined)
      if (answer?.ok) return
      await Bun.sleep(20)
    }
    throw new Error(`The server did not come up:\n${lastWords()}`)
  }

  async function stop(): Promise<void> {
    server?.kill('SIGKILL')
    await server?.exited
    server = undefined
  }

  async function metrics(): Promise<string> {
    const headers = { authorization: `Bearer ${METRICS_TOKEN}` }
    const answer = await fetch(`${url}/metrics`, { headers }).catch(() => undefined)
    return (await answer?.text()) ?? ''
  }

  function lastWords(): string {
    const both = ['log', 'errors'].map((name) => folder.file(name)).filter(existsSync)
    return both.map((path) => readFileSync(path, 'utf8').slice(-2_000)).join('\n')
  }

  return {
    url,
    outside: `http://127.0.0.1:${outside.port}`,
    start,
    stop,
    lastWords,
    /** The same server without the daily quota, on an earlier day: what is written then costs nothing of today. */
    async startEarlier() {
      const usual = { ...environment }
      Object.assign(environment, lifted)
      await start()
      Object.assign(environment, usual)
      if (!('AUTO_TITLE' in settings)) delete environment['AUTO_TITLE']
    },
    get pid() {
      return server?.pid
    },
    get hasDied() {
      return server === undefined || server.exitCode !== null || server.signalCode !== null
    },
    usage(): Usage {
      const status = readProcess(server?.pid)
      return {
        attackCalls: countAttackCalls(gemini.calls),
        stripeCalls: stripe.calls.length,
        fileBytes: ['', '-wal'].reduce((sum, end) => sum + sizeOf(`${database}${end}`), 0),
        residentBytes: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1_024,
      }
    },
    /** Resolves once no job is left: what was planted must not be called for during the attack. */
    async untilIdle() {
      const deadline = performance.now() + IDLE_DEADLINE_MS
      while (performance.now() < deadline) {
        const left = [...(await metrics()).matchAll(/^pollux_jobs\{.*\} (\d+)$/gm)]
        if (left.every(([, count]) => count === '0')) return
        await Bun.sleep(100)
      }
      throw new Error('What was planted is still being answered')
    },
    /** How late the server's event loop was, as it reports it: milliseconds at the 99th percentile, and the longest. */
    async lag(): Promise<{ p99: number; max: number }> {
      const text = await metrics()
      const read = (name: string) =>
        Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)$`, 'm').exec(text)?.[1]) *
        1_000
      return { p99: read('p99'), max: read('max') }
    },
    /** A fresh count of memory: the peak of what went before is forgotten. */
    forgetPeak: () => Bun.write(`/proc/${server?.pid}/clear_refs`, '5').catch(() => 0),
    async [Symbol.asyncDispose]() {
      await stop()
      await Promise.all([gemini.stop(), stripe.stop(), sms.stop(), outside.stop(true)])
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Zones in which it is two different days, the first the later one, and neither near its midnight. */
function twoZones(utcHour: number): [string, string] {
  // The signs of these names are those of POSIX: `-12` is twelve hours ahead of UTC.
  return utcHour === 11 || utcHour === 12
    ? ['Etc/GMT-14', 'Etc/GMT+10']
    : ['Etc/GMT-12', 'Etc/GMT+12']
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0
}

function readProcess(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

function secret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('base64')
}
