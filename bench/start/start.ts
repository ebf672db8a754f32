import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filledFile, KEPT_IN } from '../growth/files.ts'
import { buildBinary } from '../support/binary.ts'
import { cpuSeconds, residentMb } from '../support/machine.ts'
import type { Report } from '../support/report.ts'
import { freePort } from '../support/servers.ts'
import { median, noise, round } from '../support/stats.ts'
import { JWT_SECRET } from '../support/world.ts'

/** Of each file. */
const TURNS = 15
/** About a gigabyte. */
const MESSAGES = 1_200_000
const DEADLINE_MS = 20_000

interface Start {
  tookMs: number
  /** Processor time until then, all threads: what other work on the machine changes least. */
  cpuMs: number
  idleMb: number
  /** What the first sign-up takes, so that a shorter start has not merely moved its work there. */
  firstMs: number
}

/** From the start of the binary to its first answer, and what it holds when nothing happens. */
export async function benchStart(quick: boolean, folder: string | undefined): Promise<Report> {
  const scratch = await mkdtemp(join(tmpdir(), 'pollux-start-'))
  try {
    const binary = await buildBinary(scratch)
    const messages = quick ? 1_000 : MESSAGES
    const filled = filledFile(quick ? scratch : (folder ?? KEPT_IN), messages, Date.now())
    const empty = join(scratch, 'empty.db')
    const idleAfterMs = quick ? 300 : 3_000
    const once = (path: string) => start({ binary, path, cwd: scratch, idleAfterMs })
    await once(empty)
    const files = {
      'no file yet': () => join(scratch, `${Bun.randomUUIDv7()}.db`),
      'an empty file': () => empty,
      [`${round(statSync(filled).size / 1e9)} GB`]: () => filled,
    }
    const runs: Record<string, Start[]> = {}
    for (let turn = 0; turn < (quick ? 1 : TURNS); turn++) {
      for (const [name, pathOf] of Object.entries(files)) {
        runs[name] = [...(runs[name] ?? []), await once(pathOf())]
      }
    }
    const rows = Object.entries(runs).map(([name, list]) => {
      const took = list.map(({ tookMs }) => tookMs)
      return [
        name,
        Math.round(median(took)),
        Math.round(median(list.map(({ cpuMs }) => cpuMs))),
        round(median(list.map(({ idleMb }) => idleMb)), 1),
        Math.round(median(list.map(({ firstMs }) => firstMs))),
        `${Math.round(noise(took) * 100)} %`,
      ]
    })
    const head = [
      'file',
      'ms to the first answer',
      'of the processor',
      'resident MB, idle',
      'ms of the first sign-up',
      'noise',
    ]
    return { name: 'start', figures: runs, faults: [], table: { head, rows } }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function start({
  binary,
  path,
  cwd,
  idleAfterMs,
}: {
  binary: string
  path: string
  cwd: string
  idleAfterMs: number
}): Promise<Start> {
  const port = await freePort()
  const startedAt = performance.now()
  const child = Bun.spawn([binary, 'serve'], {
    cwd,
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: `file:${path}`,
      JWT_SECRET,
      GEMINI_API_KEY: 'benchmark',
      OTP_DELIVERY: 'log',
      // Every start signs somebody up, from one address and in the same file.
      AUTH_PER_IP_MINUTE: '1000',
      OTP_PER_IP_HOUR: '1000',
    },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const url = `http://127.0.0.1:${port}`
  try {
    await untilAnswered(`${url}/livez`, startedAt + DEADLINE_MS)
    const tookMs = performance.now() - startedAt
    const cpuMs = cpuSeconds(child.pid) * 1_000
    await Bun.sleep(idleAfterMs)
    const idleMb = residentMb(child.pid)
    return { tookMs, cpuMs, idleMb, firstMs: await signUp(url) }
  } finally {
    child.kill()
    await child.exited
  }
}

async function untilAnswered(url: string, deadline: number): Promise<void> {
  for (;;) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.status === 200) return
    if (performance.now() > deadline) throw new Error('The binary did not answer')
    await Bun.sleep(1)
  }
}

async function signUp(url: string): Promise<number> {
  const digits = String(Math.floor(Math.random() * 1e8)).padStart(8, '0')
  const startedAt = performance.now()
  const answer = await fetch(`${url}/v1/auth/signup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ phone: `+49151${digits}`, name: 'Ada' }),
  })
  await answer.body?.cancel()
  if (answer.status !== 202) throw new Error(`The first sign-up was answered with ${answer.status}`)
  return performance.now() - startedAt
}
